// The levers: what an operator can do to one payment that this instance holds. Each action is
// recorded in the ledger, with its actor and reason, before it is done or together with it.
//
//   retry    queued, set aside or of unknown outcome: tried, or asked about, now
//   send     queued or set aside: one attempt at the processor that the operator names
//   give up  the payment's life ends without a charge, and the ledger keeps that. If a processor
//            may hold the payment, the order must say that this is known
//
// No lever can charge a payment twice: a pinned payment is never sent elsewhere.

import { UNPINNED } from '../buffer/slot-state.ts';
import { sleep, type Clock } from '../clock.ts';
import type { Engine } from '../engine.ts';
import type { OperatorAction } from '../ledger/operator-action.ts';
import type { Log } from '../log/log.ts';
import { processorName, type IdWords, type ProcessorIndex } from '../payment.ts';
import type { LedgerPort } from '../ports.ts';
import type { Stage } from '../watch/stages.ts';
import {
  NOT_HELD,
  done,
  impossible,
  planned,
  unavailable,
  type LeverResult,
} from './lever-result.ts';

export interface LeversParts {
  readonly engine: Engine;
  readonly ledger: Pick<LedgerPort, 'recordAction'>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Order {
  readonly id: IdWords;
  readonly actor: string;
  readonly reason: string;
}

/** An answer waits so long for the effect; then it is 'planned'. */
const EFFECT_MS = 2_000;

export class Levers {
  readonly #parts: LeversParts;

  constructor(parts: LeversParts) {
    this.#parts = parts;
  }

  async retry(order: Order): Promise<LeverResult> {
    const { ring, attempts, reconcilers, dispatcher } = this.#parts.engine;
    return this.#recorded(order, { action: 'retry' }, (slot, stage) => {
      const unknown = reconcilers.find(slot);
      if (unknown !== undefined) {
        reconcilers.retry(unknown);
        return done('its processor is asked about it now; if absent, it is sent there again');
      }
      if (stage === 'set aside' && attempts.setAside.retry(slot)) {
        return done('it is tried as soon as a processor takes payments');
      }
      if (stage !== 'queued') return impossible(this.#obstacle(slot, stage));
      ring.takeOut(slot);
      ring.enqueueFirst(slot);
      dispatcher.wake();
      return done('it is the first in the queue');
    });
  }

  /** One attempt at `processor`, whatever is known of that processor. */
  async send(order: Order, processor: ProcessorIndex): Promise<LeverResult> {
    const { ring, dispatcher, attempts, stages } = this.#parts.engine;
    const name = processorName(processor);
    let sent: Promise<void> | undefined;
    const result = await this.#recorded(order, { action: 'send', to: name }, (slot, stage) => {
      if (dispatcher.isPaused) return unavailable('sending is paused');
      if (stage === 'queued') sent = dispatcher.sendNow(slot, processor);
      if (stage === 'set aside') sent = attempts.setAside.sendNow(slot, processor);
      return sent === undefined ? impossible(this.#obstacle(slot, stage)) : done('');
    });
    if (sent === undefined) return result;
    await this.#within(sent);
    const slot = ring.find(order.id);
    return done(`it was sent to ${name}; now: ${slot < 0 ? 'settled' : stages.of(slot)}`);
  }

  /** `mayBeCharged`: the operator knows that a processor may have charged it. */
  async giveUp(order: Order, mayBeCharged: boolean): Promise<LeverResult> {
    const { engine } = this.#parts;
    const slot = engine.ring.find(order.id);
    if (slot >= 0) {
      // Before it is recorded that somebody wanted it.
      const fault = this.#mayEnd(slot, mayBeCharged);
      if (fault !== undefined) return this.#closed() ?? fault;
    }
    let ended: Promise<'given up' | 'settled' | 'outcome known'> | undefined;
    const result = await this.#recorded(order, { action: 'give up' }, (now, stage) => {
      const fault = this.#mayEnd(now, mayBeCharged);
      if (fault !== undefined) return fault;
      const isOpen = this.#isOpen(now);
      ended = this.#take(now, stage)?.then((isTaken) =>
        isTaken ? engine.verifier.giveUp(now, isOpen) : 'outcome known',
      );
      return impossible(this.#obstacle(now, stage));
    });
    if (ended === undefined) return result;
    switch (await this.#within(ended)) {
      case 'given up':
        return done('it is given up');
      case 'settled':
        return impossible('it is settled: the ledger has it');
      case 'outcome known':
        return impossible('its outcome became known before');
      case undefined:
        return planned(
          'it is given up as soon as nothing is under way for it, unless its outcome is known ' +
            'before or this instance restarts, and released once the ledger has recorded that',
        );
    }
  }

  /** A processor may hold the payment. */
  #isOpen(slot: number): boolean {
    const { reconcilers, stages } = this.#parts.engine;
    return reconcilers.find(slot) !== undefined || stages.of(slot) === 'in doubt';
  }

  /** What stands against giving it up, before anything is recorded. */
  #mayEnd(slot: number, mayBeCharged: boolean): LeverResult | undefined {
    const { ring, stages } = this.#parts.engine;
    const stage = stages.of(slot);
    if (this.#isOpen(slot)) {
      if (mayBeCharged) return undefined;
      const text = 'a processor may have charged it: say that you know that, or wait';
      return { ...impossible(text), field: 'mayBeCharged' };
    }
    if (stage === 'queued' || (stage === 'set aside' && ring.pinOf(slot) === UNPINNED)) {
      return undefined;
    }
    return impossible(this.#obstacle(slot, stage));
  }

  /**
   * Takes the payment from where it waits. Resolves with false if its outcome is known before;
   * undefined if it can't be taken.
   */
  #take(slot: number, stage: Stage): Promise<boolean> | undefined {
    const { ring, attempts, reconcilers, inDoubt } = this.#parts.engine;
    const unknown = reconcilers.find(slot);
    if (unknown !== undefined) {
      if (unknown.wanted !== undefined) return undefined;
      return new Promise((resolve) => reconcilers.take(unknown, resolve));
    }
    if (stage === 'in doubt' && inDoubt.canTake(slot)) {
      return new Promise((resolve) => inDoubt.take(slot, resolve));
    }
    if (stage === 'queued') ring.takeOut(slot);
    else if (stage !== 'set aside' || !attempts.setAside.take(slot)) return undefined;
    return Promise.resolve(true);
  }

  /** Records the action and then does it, if the payment is still held. */
  async #recorded(
    order: Order,
    { action, ...more }: { readonly action: OperatorAction['action']; readonly to?: string },
    act: (slot: number, stage: Stage) => LeverResult,
  ): Promise<LeverResult> {
    const { engine, ledger, log } = this.#parts;
    const { ring, stages } = engine;
    const slot = ring.find(order.id);
    if (slot < 0) return NOT_HELD;
    const closed = this.#closed();
    if (closed !== undefined) return closed;
    const { details, ...recorded } = this.#actionOf(action, order, slot);
    try {
      await ledger.recordAction({ ...recorded, details: { ...details, ...more } });
    } catch {
      return unavailable('the ledger can not record the action, so nothing was done');
    }
    log.info('operator action', { ...recorded, ...details, ...more });
    const now = ring.find(order.id);
    if (now < 0) return NOT_HELD;
    return this.#closed() ?? act(now, stages.of(now));
  }

  #actionOf(action: OperatorAction['action'], order: Order, slot: number): OperatorAction {
    const { ring, stages } = this.#parts.engine;
    const { correlationId, amountCents } = ring.chargeOf(slot);
    const pin = ring.pinOf(slot);
    const processor = pin === UNPINNED ? {} : { processor: processorName(pin) };
    const details = { state: stages.of(slot), amountCents, ...processor };
    return { action, correlationId, actor: order.actor, reason: order.reason, details };
  }

  /** The reason why no lever works now; undefined if they do. */
  #closed(): LeverResult | undefined {
    const { admission } = this.#parts.engine;
    if (admission.openTo === 'stopping') return unavailable('this instance is stopping');
    if (admission.openTo !== 'all') return unavailable('a purge is under way');
    return admission.bar === 'disagreeing' ? unavailable(admission.barReason) : undefined;
  }

  /** Why a lever can't move a payment in this stage. */
  #obstacle(slot: number, stage: Stage): string {
    const { ring, instances, reconcilers } = this.#parts.engine;
    switch (stage) {
      case 'unrecorded':
        return 'it is charged, and recorded as soon as the ledger takes its row';
      case 'for another':
        return `instance ${ring.ownerOf(slot, instances)} owns it and is away: start that one`;
      case 'giving up':
        return 'it is being given up';
      case 'at a processor': {
        const unknown = reconcilers.find(slot);
        if (unknown === undefined) return 'an attempt is under way: wait for its outcome';
        if (unknown.wanted !== undefined) return 'it is about to be given up';
        const name = processorName(ring.pinOf(slot) as ProcessorIndex);
        return `${name} may hold it: it goes nowhere else until that is known`;
      }
      case 'in doubt':
        return 'a processor may hold it: both are asked about it, every 5 s at least';
      case 'unverified':
      case 'queued':
      case 'set aside':
        return 'it is on its way to its next stage: try again';
    }
  }

  /** undefined if it takes longer than EFFECT_MS. */
  async #within<T>(effect: Promise<T>): Promise<T | undefined> {
    return Promise.race([effect, sleep(this.#parts.clock, EFFECT_MS).then(() => undefined)]);
  }
}
