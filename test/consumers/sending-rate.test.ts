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
    const { cores = 1, perSecondMax = 0 } = load;
    this.rate = new SendingRate({
      config: { RATE_LIMIT_PER_S: perSecondMax, SENDS_GATHER_MS: 10 },
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
  for (const cores of [0.1, 0.45, 1]) {
    for (const attemptMs of [0.05, 0.2, 1]) {
      for (const delayMs of [1, 100]) {
        const process = new ModelProcess({ cores, attemptMs, delayMs });
        process.run(1_000);
        process.addBacklog(100_000);
        process.run(10_000);
        const share = process.usedMs / (11_000 * cores);
        // More than four attempts don't begin in one step of this model.
        const most = Math.min(0.45, (4 * attemptMs) / cores);
        const least = 0.75 * most;
        assert.ok(
          share > least && share < 0.55,
          `${share} of ${cores} cores, at ${attemptMs} ms an attempt after ${delayMs} ms`,
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
