// The sending rate, in a model of a process: what comes in costs CPU, attempts cost CPU when they
// begin and when they end, and other work may take its part.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SendingRate } from '../../src/consumers/sending-rate.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';

interface Load {
  /** Cores that the process may use. */
  readonly cores?: number;
  /** Of these, what other work of the process uses. */
  readonly otherShare?: number;
  readonly perS?: number;
  /** What an attempt costs, in ms: half when it begins, half when it ends. */
  readonly attemptMs?: number;
  readonly delayMs?: number;
  readonly heldUp?: { readonly forMs: number; readonly everyMs: number };
  readonly perSecondMax?: number;
  readonly gatherMs?: number;
}

class ModelProcess {
  readonly clock = new VirtualClock();
  readonly rate: SendingRate;
  came = 0;
  sent = 0;
  waiting = 0;
  usedMs = 0;
  readonly #load: Load;
  readonly #ends = new Map<number, number>();

  constructor(load: Load) {
    this.#load = load;
    const { cores = 1, perSecondMax = 0, gatherMs = 10 } = load;
    this.rate = new SendingRate({
      config: { RATE_LIMIT_PER_S: perSecondMax, SENDS_GATHER_MS: gatherMs },
      clock: this.clock,
      cpu: { usedMs: () => this.usedMs, cores: () => cores },
    });
  }

  /** Runs for so long, in steps of a millisecond, or of a hold-up. */
  run(ms: number): void {
    const { heldUp = { forMs: 0, everyMs: 1 }, perS = 0 } = this.#load;
    for (let atMs = 0; atMs < ms;) {
      const intoMs = atMs % heldUp.everyMs;
      const isHeldUp = intoMs >= heldUp.everyMs - heldUp.forMs;
      const stepMs = isHeldUp ? heldUp.everyMs - intoMs : 1;
      this.clock.stall(stepMs);
      atMs += stepMs;
      this.came += (stepMs * perS) / 1_000;
      while (this.sent + this.waiting + 1 <= this.came) {
        this.waiting++;
        this.rate.queued();
      }
      if (!isHeldUp) this.#work(stepMs);
    }
  }

  #work(stepMs: number): void {
    const { cores = 1, otherShare = 0, attemptMs = 0.2, delayMs = 1 } = this.#load;
    const now = Math.round(this.clock.elapsed());
    this.usedMs += otherShare * cores * stepMs;
    for (const [dueAtMs, ends] of this.#ends) {
      if (dueAtMs > now) continue;
      this.usedMs += (ends * attemptMs) / 2;
      this.#ends.delete(dueAtMs);
    }
    let begun = 0;
    // So many in one turn of the event loop.
    while (begun < 4 && this.waiting > 0 && this.rate.take()) {
      this.waiting--;
      begun++;
    }
    this.sent += begun;
    this.usedMs += (begun * attemptMs) / 2;
    this.#ends.set(now + delayMs, begun);
  }

  /** Queues so many that waited before. */
  addBacklog(payments: number): void {
    this.came += payments;
    this.waiting += payments;
  }
}

/** Cores, and what an attempt costs in ms. */
const COSTS = [0.1, 0.45, 1].flatMap((cores) =>
  [0.05, 0.2, 0.5, 1].map((attemptMs) => [cores, attemptMs] as const),
);

test('while CPU is left, attempts follow what comes in, also in a process that is held up', () => {
  for (const otherShare of [0.1, 0.6, 0.8]) {
    for (const [forMs, everyMs] of [
      [0, 1],
      [20, 100],
      [20, 200],
      [80, 100],
      [500, 1_000],
    ] as const) {
      const heldUp = { forMs, everyMs };
      const process = new ModelProcess({ perS: 150, otherShare, attemptMs: 0.01, heldUp });
      process.run(15_000);
      assert.ok(process.waiting < 150, `${process.waiting} wait: ${forMs} of ${everyMs} ms`);
    }
  }
});

test('a backlog is drained with less than half of the CPU, whatever an attempt costs', () => {
  for (const [cores, attemptMs] of COSTS) {
    for (const delayMs of [1, 100]) {
      for (const gatherMs of [0, 10]) {
        const process = new ModelProcess({ cores, attemptMs, delayMs, gatherMs });
        process.run(1_000);
        process.addBacklog(100_000);
        process.run(10_000);
        const share = process.usedMs / (11_000 * cores);
        // More than four attempts don't begin in one step of this model, and some begin anyhow.
        const least = 0.75 * Math.min(0.42, (4 * attemptMs) / cores);
        const most = Math.max(0.5, (55 * attemptMs) / 1_000 / cores);
        assert.ok(
          share > least && share < most,
          `${share} of ${cores} cores: ${attemptMs} ms each, ${delayMs} ms away, ${gatherMs} ms`,
        );
      }
    }
  }
});

test('a backlog is drained, more slowly, where intake alone uses more than that', () => {
  const process = new ModelProcess({ perS: 400, otherShare: 0.6, attemptMs: 0.1 });
  process.run(1_000);
  process.addBacklog(1_000);
  process.run(5_000);
  assert.ok(process.waiting > 400 && process.waiting < 600, `${process.waiting} wait`);
  process.run(10_000);
  assert.ok(process.waiting < 20, `${process.waiting} wait`);
});

test('where there is too little CPU for all that comes in, intake has it first', () => {
  const process = new ModelProcess({ perS: 2_000, otherShare: 0.7, attemptMs: 0.3 });
  process.run(20_000);
  const share = process.usedMs / 20_000;
  assert.ok(share > 0.8 && share < 1, `${share} of the CPU is used`);
  assert.ok(process.sent > process.came / 4, `${process.sent} of ${process.came} are sent`);
});

test('payments that are gathered for long are all sent, though no CPU is left for a drain', () => {
  for (const gatherMs of [0, 10, 100, 1_000]) {
    const heldUp = { forMs: gatherMs, everyMs: gatherMs + 60 };
    const process = new ModelProcess({
      perS: 150,
      otherShare: 0.6,
      attemptMs: 0.01,
      gatherMs,
      heldUp,
    });
    process.run(20_000);
    assert.ok(process.waiting < 200, `${process.waiting} wait: ${gatherMs} ms`);
  }
});

test('some attempts start when there is no CPU at all', () => {
  const process = new ModelProcess({ otherShare: 2 });
  process.addBacklog(1_000);
  process.run(10_000);
  assert.ok(process.sent >= 450 && process.sent <= 520, `${process.sent} are sent`);
});

test('RATE_LIMIT_PER_S is a ceiling', () => {
  const process = new ModelProcess({ perSecondMax: 300 });
  process.addBacklog(10_000);
  process.run(10_000);
  assert.ok(process.sent >= 2_950 && process.sent <= 3_010, `${process.sent} are sent`);
});

test('what this process used lately is shown as a share of what it may use', () => {
  const process = new ModelProcess({ cores: 0.5, otherShare: 0.3 });
  process.run(10_000);
  assert.ok(Math.abs(process.rate.cpuShare - 0.3) < 0.01, `${process.rate.cpuShare}`);
});
