// The watch: what stands still is said when it begins, once a minute while it lasts, and when it
// ends, with how many payments and how old the oldest one is. So no payment is older than a minute
// without a line that counts it.
//
// Where a payment stands is read off the ring alone:
//
//   queued         waits for a processor
//   at a processor its outcome isn't known yet
//   unrecorded     charged, and not in the ledger yet
//   set aside      failed alone, and is tried again later
//   in doubt       both processors are asked whether they hold it
//   unverified     the ledger is asked whether it has it
//   for another    belongs to an instance that is away

import { NOT_CHARGED } from './buffer/ring.ts';
import type { Clock, Timer } from './clock.ts';
import { Lasting } from './lasting.ts';
import type { Log } from './log.ts';
import { ownerOf, PROCESSORS, processorName } from './payment.ts';
import type { Pipeline } from './pipeline.ts';

export interface WatchParts {
  readonly clock: Clock;
  readonly pipeline: Pipeline;
  readonly log: Log;
}

const STAGES = [
  'queued',
  'at a processor',
  'unrecorded',
  'set aside',
  'in doubt',
  'unverified',
  'for another',
] as const;
type Stage = (typeof STAGES)[number];

/** A payment that is still where it was after so long stands still. */
const STILL_MS = 10_000;
const LOOK_EVERY_MS = 1_000;
/** The ring is gone through every so many looks: a millisecond for 100,000 slots. */
const RING_EVERY_LOOKS = 5;
/** A processor that fails for less than this is no outage. */
const FAILING_MS = 1_000;

interface Standing {
  payments: number;
  oldestMs: number;
  oldestSlot: number;
}

interface Details {
  readonly stage?: string;
  readonly processor?: string;
  readonly [name: string]: unknown;
}

export class Watch {
  readonly #parts: WatchParts;
  /** By what it is, and where. */
  readonly #lasting = new Map<string, Lasting>();
  #looks = 0;
  #pausedSinceMs: number | undefined;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(parts: WatchParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = this.#parts.clock.after(LOOK_EVERY_MS, () => {
      if (this.#stopped) return;
      this.#look();
      this.start();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #look(): void {
    this.#lookAtProcessors();
    this.#lookAtPause();
    if (this.#looks++ % RING_EVERY_LOOKS === 0) this.#lookAtRing();
  }

  #lookAtProcessors(): void {
    const { routing } = this.#parts.pipeline;
    for (const processor of PROCESSORS) {
      const { failingForMs } = routing.lanes[processor];
      const details = { processor: processorName(processor), forMs: Math.round(failingForMs) };
      this.#tell(failingForMs >= FAILING_MS, {
        begins: 'processor fails',
        ends: 'processor works again',
        details,
      });
    }
  }

  #lookAtPause(): void {
    const { clock, pipeline } = this.#parts;
    const { crew, ring } = pipeline;
    // During a purge, or before the ledger and the other instances agree.
    if (crew.isPaused) this.#pausedSinceMs ??= clock.elapsed();
    else this.#pausedSinceMs = undefined;
    const forMs = clock.elapsed() - (this.#pausedSinceMs ?? clock.elapsed());
    this.#tell(forMs >= STILL_MS, {
      begins: 'sending is paused',
      ends: 'sending goes on',
      details: { forMs: Math.round(forMs), queued: ring.waiting },
    });
  }

  #lookAtRing(): void {
    const { ring } = this.#parts.pipeline;
    const standings = this.#standings();
    for (const stage of STAGES) {
      const { payments, oldestMs, oldestSlot } = standings[stage];
      const oldest = oldestSlot < 0 ? undefined : ring.idText(oldestSlot);
      this.#tell(oldestMs >= STILL_MS, {
        begins: 'payments stand still',
        ends: 'payments move again',
        details: { stage, payments, oldestMs: Math.round(oldestMs), oldest },
      });
    }
  }

  #standings(): Readonly<Record<Stage, Standing>> {
    const { clock, pipeline } = this.#parts;
    const { ring } = pipeline;
    const standings = Object.fromEntries(
      STAGES.map((stage) => [stage, { payments: 0, oldestMs: 0, oldestSlot: -1 }]),
    ) as Record<Stage, Standing>;
    const now = clock.now();
    let left = ring.slots - ring.free;
    for (let slot = 0; slot < ring.slots && left > 0; slot++) {
      if (!ring.isLive(slot)) continue;
      left--;
      const standing = standings[this.#stageOf(slot)];
      const ageMs = now - (ring.acceptedAtMs[slot] as number);
      standing.payments++;
      if (ageMs <= standing.oldestMs) continue;
      standing.oldestMs = ageMs;
      standing.oldestSlot = slot;
    }
    return standings;
  }

  #stageOf(slot: number): Stage {
    const { ring, offCourse, instance, instances } = this.#parts.pipeline;
    if (ring.chargeState[slot] !== NOT_CHARGED) return 'unrecorded';
    if (ring.pinOf(slot) >= 0) return 'at a processor';
    if (ring.isWaiting(slot)) return 'queued';
    if (offCourse.setAside.has(slot)) return 'set aside';
    if (ownerOf(ring.ids, instances, slot * 4) !== instance) return 'for another';
    return ring.isDoubtful[slot] === 1 ? 'in doubt' : 'unverified';
  }

  /**
   * Says what begins, what lasts and what ends. `details` tell one such thing from another by
   * `stage` or `processor`.
   */
  #tell(
    isSo: boolean,
    {
      begins,
      ends,
      details,
    }: {
      readonly begins: string;
      readonly ends: string;
      readonly details: Details;
    },
  ): void {
    const { clock, log } = this.#parts;
    const { stage, processor } = details;
    const key = `${begins} ${stage ?? ''}${processor ?? ''}`;
    const lasting = this.#lasting.get(key) ?? new Lasting();
    this.#lasting.set(key, lasting);
    const due = lasting.look(isSo, clock.elapsed());
    if (due === undefined) return;
    if (isSo) log.warn(begins, details);
    else log.info(ends, { stage, processor, afterMs: due.forMs });
  }
}
