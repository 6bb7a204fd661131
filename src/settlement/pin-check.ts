// The pin check: the ledger has a payment at one processor, and the journal's pin is, or may have
// been, at the other one. That other processor is asked whether it holds the payment too. The
// payment is never sent again.
//
//   added ──asked──▶ holds it ─────────────────────▶ charged at both, slot released
//            │  ▲──▶ doesn't answer: asked again
//            ▼  └─── absent, not for long enough: asked again (an attempt may be on its way)
//            absent for longer than any attempt lasts ──▶ not there, slot released

import type { Ring } from '../buffer/ring.ts';
import { SlotQueue } from '../buffer/slot-queue.ts';
import { doublingMs, sleep, type Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { Routing } from '../gateways/routing.ts';
import type { Log } from '../log/log.ts';
import { processorName, type ProcessorIndex } from '../payment.ts';
import type { Ports } from '../ports.ts';
import type { Contradictions } from './contradictions.ts';

export interface PinCheckParts {
  readonly config: Pick<Config, 'TIMEOUT_MAX_MS'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly processors: Ports['processors'];
  readonly processor: ProcessorIndex;
  readonly ring: Ring;
  readonly routing: Routing;
  readonly contradictions: Contradictions;
}

const ASK_EVERY_MS = 100;
const ASK_EVERY_MAX_MS = 2_000;

/** One per processor: a processor that is away delays no check at the other one. */
export class PinCheck {
  readonly #parts: PinCheckParts;
  readonly #queue: SlotQueue;
  /** By slot, since when the processor answers "absent", ms of the clock's elapsed time. */
  readonly #absentSinceMs = new Map<number, number>();
  #running = false;
  #stopped = false;
  #busy = 0;

  constructor(parts: PinCheckParts) {
    this.#parts = parts;
    this.#queue = new SlotQueue(parts.ring.slots);
  }

  get pending(): number {
    return this.#queue.length + this.#busy;
  }

  add(slot: number): void {
    const { log, processor, ring } = this.#parts;
    const [correlationId, asked] = [ring.idText(slot), processorName(processor)];
    log.warn('recorded payment may be at another processor too', { correlationId, asked });
    this.#queue.push(slot);
    if (this.#running || this.#stopped) return;
    this.#running = true;
    void this.#run();
  }

  stop(): void {
    this.#stopped = true;
  }

  async #run(): Promise<void> {
    const { clock } = this.#parts;
    const queue = this.#queue;
    let rounds = 0;
    while (queue.length > 0 && !this.#stopped) {
      for (let left = queue.length; left > 0 && !this.#stopped; left--) {
        const slot = queue.shift();
        this.#busy = 1;
        const isKnown = await this.#ask(slot);
        this.#busy = 0;
        if (!isKnown) queue.push(slot);
      }
      if (queue.length > 0) {
        await sleep(clock, doublingMs(rounds++, ASK_EVERY_MS, ASK_EVERY_MAX_MS));
      }
    }
    this.#running = false;
  }

  async #ask(slot: number): Promise<boolean> {
    const { config, clock, processors, processor, ring, routing, contradictions } = this.#parts;
    const timeoutMs = routing.timeoutMs(processor);
    const { held } = await processors[processor].lookup(ring.idText(slot), timeoutMs);
    if (held === 'unknown') return false;
    if (held === 'absent') {
      const nowMs = clock.elapsed();
      const sinceMs = this.#absentSinceMs.get(slot) ?? nowMs;
      this.#absentSinceMs.set(slot, sinceMs);
      // An attempt lasts at most TIMEOUT_MAX_MS.
      if (nowMs - sinceMs < config.TIMEOUT_MAX_MS) return false;
    }
    this.#absentSinceMs.delete(slot);
    contradictions.pinChecked(slot, held, processor);
    return true;
  }
}
