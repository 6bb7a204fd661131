// Payments that are pinned to one processor while the ledger has them at the other: the pinned
// processor is asked whether it holds them too. They are never sent again.
//
//   added ──asked──▶ holds it ──────────────────────────▶ charged at both: let go
//            │  ▲──▶ doesn't say: asked again
//            ▼  └─── absent, not for long enough: asked again (an attempt may still be on its way)
//            absent for longer than any attempt is waited for ──▶ only recorded elsewhere: let go

import { doublingMs, sleep, type Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { processorName, type Charge, type ProcessorIndex } from '../payment.ts';
import type { Processor } from '../gateways/processor.ts';

export interface PinCheckParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly processor: ProcessorIndex;
  readonly lookup: Processor['lookup'];
  readonly timeoutMs: () => number;
  /** So long it has to be absent, ms. */
  readonly absentMs: number;
  /** Room for every slot. */
  readonly queue: { push(slot: number): void; shift(): number; readonly length: number };
  readonly idText: (slot: number) => string;
  /** The processor holds it as well; or it doesn't ('absent'). The slot isn't used any more. */
  readonly onKnown: (slot: number, held: Charge | 'absent') => void;
}

const ASK_EVERY_MS = 100;
const ASK_EVERY_MAX_MS = 2_000;

/** One of these per processor: one that is away holds up nobody at the other. */
export class PinCheck {
  readonly #parts: PinCheckParts;
  /** By slot, since when it is known to be absent, ms. */
  readonly #absentSinceMs = new Map<number, number>();
  #running = false;
  #stopped = false;
  #busy = 0;

  constructor(parts: PinCheckParts) {
    this.#parts = parts;
  }

  get pending(): number {
    return this.#parts.queue.length + this.#busy;
  }

  add(slot: number): void {
    const { log, processor, idText, queue } = this.#parts;
    const [correlationId, pinnedTo] = [idText(slot), processorName(processor)];
    log.warn('recorded payment is pinned elsewhere', { correlationId, pinnedTo });
    queue.push(slot);
    if (this.#running || this.#stopped) return;
    this.#running = true;
    void this.#run();
  }

  stop(): void {
    this.#stopped = true;
  }

  async #run(): Promise<void> {
    const { clock, queue } = this.#parts;
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
    const { clock, lookup, timeoutMs, absentMs, idText, onKnown } = this.#parts;
    const { held } = await lookup(idText(slot), timeoutMs());
    if (held === 'unknown') return false;
    if (held === 'absent') {
      const nowMs = clock.elapsed();
      const sinceMs = this.#absentSinceMs.get(slot) ?? nowMs;
      this.#absentSinceMs.set(slot, sinceMs);
      if (nowMs - sinceMs < absentMs) return false;
    }
    this.#absentSinceMs.delete(slot);
    onKnown(slot, held);
    return true;
  }
}
