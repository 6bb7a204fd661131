// Payments that are off the straight way from the queue to the ledger: set aside, of unknown
// outcome, or in doubt.

import type { Ring } from './buffer/ring.ts';
import { SlotQueue } from './buffer/slot-queue.ts';
import type { Config } from './config.ts';
import { Doubts } from './consumers/doubts.ts';
import { Reconciler, type Since } from './consumers/reconciler.ts';
import { SetAside } from './consumers/set-aside.ts';
import type { Contradictions } from './contradictions.ts';
import type { Routing } from './gateways/routing.ts';
import { DEFAULT, FALLBACK, type ProcessorIndex } from './payment.ts';
import type { Ports } from './ports.ts';
import type { Recovering } from './recovery/recovering.ts';

export interface OffCourseParts {
  readonly config: Config;
  readonly ports: Ports;
  readonly ring: Ring;
  readonly routing: Routing;
  readonly recovering: Recovering;
  readonly contradictions: Contradictions;
  /** The pin's processor holds the payment in `slot`, with the ring's values. */
  readonly onCharged: (slot: number, processor: ProcessorIndex) => void;
  /** Neither processor holds the payment in `slot`. */
  readonly onAbsent: (slot: number) => void;
  /** Carries out one attempt; never rejects. */
  readonly attempt: (slot: number, processor: ProcessorIndex) => Promise<void>;
}

export class OffCourse {
  readonly setAside: SetAside;
  readonly reconcilers: readonly [Reconciler, Reconciler];
  readonly doubts: Doubts;
  readonly #parts: OffCourseParts;

  constructor(parts: OffCourseParts) {
    this.#parts = parts;
    this.reconcilers = [this.#reconciler(DEFAULT), this.#reconciler(FALLBACK)];
    const { ports, ring, routing, contradictions, onCharged, onAbsent } = parts;
    this.doubts = new Doubts({
      clock: ports.clock,
      ring,
      processors: ports.processors,
      queue: new SlotQueue(ring.slots),
      timeoutMs: (processor) => routing.timeoutMs(processor),
      onCharged,
      onAbsent,
      contradictions,
      log: ports.log,
    });
    this.setAside = new SetAside({
      clock: ports.clock,
      ring,
      sendsPerS: parts.config.SENDS_PER_S,
      choose: (slot) => routing.chooseForSetAside(ring.declines[slot] as number, ring.waiting),
      attempt: parts.attempt,
    });
  }

  /** Payments whose outcome is unknown. */
  get unknown(): number {
    return this.reconcilers[DEFAULT].pending + this.reconcilers[FALLBACK].pending;
  }

  /** Nothing that could still be stored is on its way to a processor from here. */
  get isStill(): boolean {
    return this.reconcilers.every(({ resending }) => resending === 0);
  }

  /** Takes a pinned payment. */
  reconcile(slot: number, since: Since): void {
    const pin = this.#parts.ring.pinOf(slot);
    if (pin === -1) throw new Error(`slot ${slot} has no pin`);
    this.reconcilers[pin].add(slot, since);
  }

  /**
   * A processor works again after an outage: payments that wait for longer pauses are tried now.
   */
  workingAgain(processor: ProcessorIndex): void {
    this.setAside.hurry();
    this.reconcilers[processor].hurry();
  }

  /** Starts nothing new; what is under way goes on. */
  pause(): void {
    this.setAside.pause();
    this.doubts.stop();
  }

  stop(): void {
    for (const reconciler of this.reconcilers) reconciler.stop();
  }

  /**
   * The first `most` of those that are set aside, of unknown outcome or in doubt, for whoever looks
   * into it.
   */
  list(most: number): Record<string, unknown>[] {
    const listed = this.setAside.list(most);
    for (const reconciler of this.reconcilers) {
      listed.push(...reconciler.list(most - listed.length));
    }
    listed.push(...this.doubts.list(most - listed.length));
    return listed;
  }

  #reconciler(processor: ProcessorIndex): Reconciler {
    const { config, ports, ring, routing, recovering, contradictions, onCharged } = this.#parts;
    return new Reconciler({
      clock: ports.clock,
      ring,
      processor,
      client: ports.processors[processor],
      lane: routing.lanes[processor],
      atOnceMax: config.RECONCILERS,
      timeoutMs: () => routing.timeoutMs(processor),
      onCharged,
      recovering,
      contradictions,
      log: ports.log,
    });
  }
}
