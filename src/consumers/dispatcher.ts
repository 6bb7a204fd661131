// The dispatcher: gives the queued payments to a fixed set of async consumers, oldest first. Each
// consumer carries one payment at a time through an attempt.
//
// A bounded number of payments goes out per turn of the event loop: while a consumer is idle, the
// sending rate allows it, and a processor is worth sending to. Otherwise the dispatcher looks again
// a little later, or when something ends. With SENDS_GATHER_MS a look waits for more payments:
// several in one go cost far less each, since code, sockets and the processes that are woken up by
// them are warm. After half of that time it comes with the next payment, for which this process is
// awake anyway. While payments wait for an attempt to end, a look waits for no others.

import type { Recovering } from '../buffer/recovering.ts';
import type { Ring } from '../buffer/ring.ts';
import type { Clock, Timer } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { Routing } from '../gateways/routing.ts';
import type { ProcessorIndex } from '../payment.ts';
import type { Attempts } from './attempt.ts';
import { bringProbeForward } from './probe.ts';
import type { SendingRate } from './sending-rate.ts';

export interface DispatcherParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly ring: Ring;
  readonly recovering: Recovering;
  readonly routing: Routing;
  readonly sendingRate: SendingRate;
  readonly attempts: Attempts;
}

/** Between two looks at processors that weren't worth sending to. */
const LOOK_AGAIN_MS = 20;

type Assignment = (slot: number, processor: ProcessorIndex) => void;

export class Dispatcher {
  /** Consumers with a payment. */
  busy = 0;
  readonly #parts: DispatcherParts;
  readonly #idle: Assignment[] = [];
  #paused = true;
  #lookPlanned = false;
  #looksLater = false;
  /** The latest look left payments behind: no consumer was idle, or no processor worth it. */
  #isFull = false;
  /** A look that waits for more payments. */
  #gathering: Timer | undefined;
  #gatheringSinceMs = 0;

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
    for (let n = 0; n < parts.config.CONSUMERS; n++) void this.#consume();
  }

  start(): void {
    this.#paused = false;
    this.wake();
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  /** No new attempts from now on. */
  pause(): void {
    this.#paused = true;
  }

  /** Queues a payment that is held and may go to any processor. */
  enqueue(slot: number): void {
    const { ring, recovering, sendingRate } = this.#parts;
    recovering.end(slot);
    ring.enqueue(slot);
    sendingRate.queued();
    this.wake();
  }

  /** Sends a queued payment to this processor now, whatever is known of it. */
  async sendNow(slot: number, processor: ProcessorIndex): Promise<void> {
    const { ring, attempts } = this.#parts;
    ring.takeOut(slot);
    this.busy++;
    await attempts.run(slot, processor);
    this.busy--;
    this.wake();
  }

  /** A payment was queued, or something changed that may let one go. */
  wake(): void {
    const { config, clock, ring } = this.#parts;
    if (this.#lookPlanned || this.#paused || ring.peek() < 0) return;
    const gatherMs = config.SENDS_GATHER_MS;
    if (gatherMs === 0 || this.#isFull) {
      this.#plan();
    } else if (this.#gathering === undefined) {
      this.#gatheringSinceMs = clock.elapsed();
      this.#gathering = clock.after(gatherMs, this.#look);
    } else if (clock.elapsed() - this.#gatheringSinceMs >= gatherMs / 2) {
      this.#plan();
    }
  }

  async #consume(): Promise<void> {
    for (;;) {
      // The attempt begins within the turn of its choice: the next choice has to see it under way.
      await new Promise<void>((resolve) => {
        this.#idle.push((slot, processor) => resolve(this.#parts.attempts.run(slot, processor)));
      });
      this.busy--;
      this.wake();
    }
  }

  #plan(): void {
    this.#endGathering();
    this.#lookPlanned = true;
    this.#parts.clock.soon(this.#look);
  }

  #endGathering(): void {
    this.#gathering?.cancel();
    this.#gathering = undefined;
  }

  readonly #look = (): void => {
    this.#lookPlanned = false;
    this.#endGathering();
    this.#isFull = false;
    const { config, ring, sendingRate, routing } = this.#parts;
    for (let sends = 0; sends < config.SENDS_PER_TURN; sends++) {
      const slot = ring.peek();
      if (this.#paused || slot < 0) return;
      if (this.#idle.length === 0) {
        this.#isFull = true;
        return;
      }
      const processor = routing.choose(ring.declines[slot] as number, ring.waiting);
      if (processor === 'wait') {
        this.#isFull = true;
        return this.#lookLater(LOOK_AGAIN_MS);
      }
      if (!sendingRate.take()) return this.#lookLater(sendingRate.waitMs);
      this.busy++;
      this.#idle.pop()?.(this.#next(processor), processor);
    }
    this.#plan();
  };

  /** The payment to send to this processor: the oldest one, or a probe. */
  #next(processor: ProcessorIndex): number {
    const { config, clock, ring, routing } = this.#parts;
    const isProbe = config.POLICY === 'thrifty' && routing.breakers[processor].isFailing;
    if (isProbe) bringProbeForward(ring, clock);
    return ring.dequeue();
  }

  #lookLater(delayMs: number): void {
    if (this.#looksLater) return;
    this.#looksLater = true;
    this.#parts.clock.after(delayMs, () => {
      this.#looksLater = false;
      if (!this.#lookPlanned) this.#look();
    });
  }
}
