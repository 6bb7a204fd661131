// One life of an instance's process: the real engine between simulated ports. It dies at a port call; from then on nothing
// that it still does has an effect, and nothing reaches it, while its requests and statements go on.

import { Engine } from '../../src/engine.ts';
import type { JournalFile } from '../../src/buffer/journal.ts';
import type { Clock } from '../../src/clock.ts';
import type { Config } from '../../src/config.ts';
import type { IdWords } from '../../src/payment.ts';
import type { Ports } from '../../src/ports.ts';
import type { Told } from './account.ts';
import type { Dice } from './dice.ts';
import { DiskFault, type SimulatedDisk } from './simulated-disk.ts';
import type { SimulatedLedger } from './simulated-ledger.ts';
import type { SimulatedProcessor } from './simulated-processor.ts';
import type { Caller, World } from './world.ts';

/** 2026-01-01 */
const EPOCH_MS = 1_767_225_600_000;
/** Longer than any outage of the ledger here. */
const FLUSH_MS = 3_600_000;

export interface ProgramParts {
  readonly world: World;
  readonly config: Config;
  readonly disk: SimulatedDisk;
  readonly processors: readonly [SimulatedProcessor, SimulatedProcessor];
  readonly ledger: SimulatedLedger;
  readonly offer: (from: Program) => Ports['offer'];
  /** How far the wall clock is off. */
  readonly clockOffMs: () => number;
  /** It dies at this port call. */
  readonly diesAtStep: number;
  readonly onDeath: (how: string) => void;
  /** Ids that this instance was told to be charged, in any of its lives, since a flush had them. */
  readonly acknowledged: Set<string>;
}

export class Program implements Caller {
  alive = true;
  /** Takes no more calls. */
  stopping = false;
  /** Nothing runs before this time: the process is held up. */
  pausedUntilMs = 0;
  diesAtStep: number;
  /** Flushes under way. */
  flushes = 0;
  readonly engine: Engine;
  readonly #parts: ProgramParts;
  readonly #dice: Dice;
  readonly #calls = new Set<(told: Told) => void>();
  readonly #recorded = new Set<string>();
  #steps = 0;

  constructor(parts: ProgramParts) {
    this.#parts = parts;
    this.#dice = parts.world.dice.fork();
    this.diesAtStep = parts.diesAtStep;
    const { config, processors, ledger, world } = parts;
    const note = (event: string): void => world.note(`log: ${event}`, -1, 0);
    this.engine = new Engine(config, {
      clock: this.#clock(),
      journalFile: this.#file(),
      processors: [processors[0].seenBy(this), processors[1].seenBy(this)],
      ledger: ledger.seenBy(this, config.LEDGER_TIMEOUT_MS),
      offer: parts.offer(this),
      log: { info: note, warn: note, error: note },
      onFatal: (error) => this.fatal(error),
    });
  }

  /** Counts a port call; false when the process is dead or dies here. */
  step(): boolean {
    if (!this.alive) return false;
    if (++this.#steps >= this.diesAtStep) this.die('crash');
    return this.alive;
  }

  die(how: string): void {
    if (!this.alive) return;
    this.alive = false;
    this.#parts.world.weather.count(how);
    this.#parts.world.note(how, -1, this.#steps);
    for (const answer of this.#calls) answer('cut');
    this.#calls.clear();
    this.#parts.onDeath(how);
  }

  /** What ends a process: it must have been the disk. */
  fatal(error: unknown): void {
    if (!this.alive) return;
    if (!(error instanceof DiskFault)) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.#parts.world.books.fail(`fatal: ${text}`);
    }
    this.die('fatal disk fault');
  }

  /** A call to the instance; `answer` is called once, at once or later. */
  admit(id: IdWords, cents: number, fromPeer: boolean, answer: (told: Told) => void): void {
    this.#calls.add(answer);
    const end = (told: Told): void => {
      if (this.#calls.delete(answer)) answer(told);
    };
    try {
      const admitted = this.engine.admit(id, cents, fromPeer);
      if (typeof admitted === 'string') end(admitted);
      else admitted.then(end, () => end('failed'));
    } catch (error) {
      this.fatal(error);
    }
  }

  later(delayMs: number, run: () => void): { cancel(): void } {
    const { timeline } = this.#parts.world;
    let cancelled = false;
    const deliver = (): void => {
      if (!this.alive || cancelled) return;
      if (timeline.nowMs < this.pausedUntilMs) {
        timeline.in(this.pausedUntilMs - timeline.nowMs, deliver);
        return;
      }
      try {
        run();
      } catch (error) {
        this.fatal(error);
      }
    };
    const planned = timeline.in(delayMs, deliver);
    return {
      cancel: () => {
        cancelled = true;
        planned.run = undefined;
      },
    };
  }

  /** It was told that the payment is charged. */
  acknowledged(id: string): void {
    this.#parts.acknowledged.add(id);
  }

  /** It was told that these are in the ledger. */
  recorded(ids: readonly string[]): void {
    for (const id of ids) this.#recorded.add(id);
  }

  hasRecorded(id: string): boolean {
    return this.#recorded.has(id);
  }

  /**
   * After a flush everything is recorded that had been acknowledged before it, to this life of the
   * instance or an earlier one.
   */
  flush(): void {
    const { world, acknowledged, ledger } = this.#parts;
    const { books } = world;
    const due = [...acknowledged];
    this.flushes++;
    this.engine.flush(FLUSH_MS).then((missing) => {
      this.flushes--;
      if (!this.alive) return;
      if (missing !== undefined) {
        const mayBe = missing === 'the ledger refuses a row of what is charged';
        if (!mayBe || ledger.poisoned.size === 0) books.fail(`a flush was given up: ${missing}`);
        return;
      }
      for (const id of due) {
        const { row, wasLost } = books.of(id);
        if (row === undefined && !wasLost) books.fail(`not flushed: ${id}`);
        acknowledged.delete(id);
      }
    }, this.fatal.bind(this));
  }

  #clock(): Clock {
    const { timeline } = this.#parts.world;
    return {
      now: () => {
        this.step();
        return Math.floor(EPOCH_MS + timeline.nowMs + this.#parts.clockOffMs());
      },
      elapsed: () => timeline.nowMs,
      after: (delayMs, run) => {
        this.step();
        return this.later(delayMs + this.#dice.between(0, 1.5), run);
      },
      soon: (run) => {
        this.step();
        this.later(this.#dice.between(0, 0.05), run);
      },
      random: () => this.#dice.between(0, 1),
      // It is held up, and has CPU enough.
      cpuMs: () => 0,
    };
  }

  #file(): JournalFile {
    const { disk } = this.#parts;
    const { world } = this.#parts;
    const { weather } = world;
    return {
      read: (buffer, position) => (this.step() ? disk.read(buffer, position) : 0),
      write: (buffer, position) => {
        if (!this.alive) return;
        world.note('write', -1, position);
        if (!this.step()) return disk.tear(buffer, position);
        if (!weather.strikes('writeFails')) return disk.write(buffer, position);
        disk.tear(buffer, position);
        throw new DiskFault(this);
      },
      sync: () =>
        new Promise((resolve, reject) => {
          if (!this.step()) return;
          const mark = disk.mark();
          const fails = weather.strikes('syncFails');
          const tookMs = weather.strikes('syncLate') ? this.#dice.spread(5, 500) : 0.2;
          this.later(this.#dice.between(0, tookMs), () => {
            world.note('synced', -1, mark);
            if (fails) disk.syncFailed(mark);
            else disk.synced(mark);
            if (fails) reject(new DiskFault(this));
            else resolve();
          });
        }),
    };
  }
}
