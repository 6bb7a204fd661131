// The watch: logs what is wrong for a while (payments that stand still, a processor that fails or
// is slow, a slow ledger, a ring that fills up or is nearly full, a full Bloom filter): when it
// begins, once a minute while it lasts, and when it ends. A line about payments has their number
// and the age of the oldest one. So every payment that is older than a minute is counted in some
// line. Metrics and page ask the watch too.

import type { BloomFilter } from '../buffer/bloom-filter.ts';
import type { HeldPayments } from '../buffer/held-payments.ts';
import type { Ring } from '../buffer/ring.ts';
import type { Clock, Timer } from '../clock.ts';
import type { Attempts } from '../consumers/attempt.ts';
import type { Dispatcher } from '../consumers/dispatcher.ts';
import type { Routing } from '../gateways/routing.ts';
import { Condition } from '../log/condition.ts';
import type { Log } from '../log/log.ts';
import { PROCESSORS, processorName, type ProcessorIndex } from '../payment.ts';
import type { BatchWriter } from '../settlement/batch-writer.ts';
import { Refusing } from './refusing.ts';
import { RingForecast } from './ring-forecast.ts';
import { Slowness } from './slowness.ts';
import { STAGES, STILL_MS, type Stages } from './stages.ts';

export interface WatchParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly ring: Ring;
  readonly filter: BloomFilter;
  readonly held: HeldPayments;
  readonly routing: Routing;
  readonly attempts: Attempts;
  readonly writer: BatchWriter;
  readonly dispatcher: Dispatcher;
  readonly stages: Stages;
}

const LOOK_EVERY_MS = 1_000;
/** Looking through the ring takes a millisecond for 100,000 slots: done every so many looks. */
const RING_EVERY_LOOKS = 5;
/** A processor that fails for less than this is not reported. */
const FAILING_MS = 1_000;
/** The part of the slots in use above which the ring is nearly full, and below which it isn't. */
const NEARLY_FULL = 0.8;
const HAS_ROOM = 0.7;

interface Details {
  readonly stage?: string;
  readonly processor?: string;
  readonly [name: string]: unknown;
}

export class Watch {
  isRingNearlyFull = false;
  readonly ringForecast = new RingForecast();
  /** By processor. */
  readonly refusingProcessors = [new Refusing(), new Refusing()] as const;
  readonly slowProcessors = [new Slowness(), new Slowness()] as const;
  readonly slowLedger = new Slowness();
  readonly #parts: WatchParts;
  /** By event, and by stage or processor. */
  readonly #conditions = new Map<string, Condition>();
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
    for (const processor of PROCESSORS) this.#lookAtProcessor(processor);
    this.#lookAtLedger();
    this.#lookAtRoom();
    this.#lookAtPause();
    if (this.#looks++ % RING_EVERY_LOOKS === 0) this.#lookAtRing();
  }

  #lookAtProcessor(processor: ProcessorIndex): void {
    const { routing, attempts } = this.#parts;
    const { troubleForMs } = routing.breakers[processor];
    const latest = { processor: processorName(processor), ...attempts.latestFailure[processor] };
    this.#log(troubleForMs >= FAILING_MS, {
      begins: 'processor fails',
      ends: 'processor works again',
      details: { ...latest, forMs: Math.round(troubleForMs) },
    });
    const { busy, refused, charged, duplicate } = attempts.ended[processor];
    // Several payments in a row have opened the circuit breaker: none of them is the reason.
    const isOpen = routing.breakers[processor].isFailing;
    const refusing = this.refusingProcessors[processor];
    refusing.update(busy + (isOpen ? refused : 0), charged + duplicate);
    this.#log(refusing.isRefusing, {
      begins: 'processor refuses payments',
      ends: 'processor refuses payments no more',
      details: latest,
    });
    this.#lookAtDelay(processor);
  }

  #lookAtDelay(processor: ProcessorIndex): void {
    const { clock, routing, attempts } = this.#parts;
    const breaker = routing.breakers[processor];
    const slowness = this.slowProcessors[processor];
    const delayMs = breaker.isFailing ? 0 : breaker.view().delayMs;
    const answers = sum(Object.values(attempts.ended[processor]));
    slowness.update({ delayMs, answers, isUsed: breaker.inFlight > 0 }, clock.elapsed());
    this.#log(slowness.isSlow, {
      begins: 'processor is slow',
      ends: 'processor is slow no more',
      details: { processor: processorName(processor), delayMs: Math.round(delayMs) },
    });
  }

  #lookAtLedger(): void {
    const { clock, writer } = this.#parts;
    const observed = writer.figures.observed(clock.elapsed());
    this.slowLedger.update(observed, clock.elapsed());
    this.#log(this.slowLedger.isSlow, {
      begins: 'ledger is slow',
      ends: 'ledger is slow no more',
      details: { delayMs: Math.round(observed.delayMs), rows: writer.pending },
    });
  }

  #lookAtRoom(): void {
    const { ring, filter, held, clock } = this.#parts;
    const { used, slots } = ring;
    const forecast = this.ringForecast;
    forecast.update({ slots, used, accepted: held.accepted }, clock.elapsed());
    const fullInS = Math.round(forecast.fullInS);
    this.#log(forecast.isFillingUp, {
      begins: 'ring is filling up',
      ends: 'ring fills up no more',
      details: { fullInS, used, slots, queued: ring.waiting },
    });
    this.isRingNearlyFull = used >= slots * (this.isRingNearlyFull ? HAS_ROOM : NEARLY_FULL);
    this.#log(this.isRingNearlyFull, {
      begins: 'ring is nearly full',
      ends: 'ring has room again',
      details: { used, slots, queued: ring.waiting },
    });
    this.#log(filter.isFull, {
      begins: 'Bloom filter is full',
      ends: 'Bloom filter has room again',
      details: { ids: filter.ids, bytes: filter.bytes },
    });
  }

  #lookAtPause(): void {
    const { clock, dispatcher, ring } = this.#parts;
    // During a purge, or before the ledger and the other instances agree.
    if (dispatcher.isPaused) this.#pausedSinceMs ??= clock.elapsed();
    else this.#pausedSinceMs = undefined;
    const forMs = clock.elapsed() - (this.#pausedSinceMs ?? clock.elapsed());
    this.#log(forMs >= STILL_MS, {
      begins: 'sending is paused',
      ends: 'sending goes on',
      details: { forMs: Math.round(forMs), queued: ring.waiting },
    });
  }

  #lookAtRing(): void {
    const { clock, ring, stages } = this.#parts;
    const standings = stages.standings(clock.now());
    for (const stage of STAGES) {
      const { payments, oldestMs, oldestSlot } = standings[stage];
      const oldest = oldestSlot < 0 ? undefined : ring.idText(oldestSlot);
      this.#log(oldestMs >= STILL_MS, {
        begins: 'payments stand still',
        ends: 'payments move again',
        details: { stage, payments, oldestMs: Math.round(oldestMs), oldest },
      });
    }
  }

  /**
   * Logs what begins, lasts and ends. `stage` or `processor` in `details` tells conditions of one
   * event apart.
   */
  #log(
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
    const condition = this.#conditions.get(key) ?? new Condition();
    this.#conditions.set(key, condition);
    const due = condition.update(isSo, clock.elapsed());
    if (due === undefined) return;
    if (isSo) log.warn(begins, details);
    else log.info(ends, { stage, processor, afterMs: due.forMs });
  }
}

function sum(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0);
}
