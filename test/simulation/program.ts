// One life of an instance's process: the real engine between simulated ports, as soon as it runs.
// It dies at a port call: from then on nothing that it does has an effect and nothing reaches it,
// while its requests and statements go on.

import { Engine } from '../../src/engine.ts';
import type { FilterFile } from '../../src/buffer/filter-file.ts';
import type { JournalFile } from '../../src/buffer/journal.ts';
import type { Clock } from '../../src/clock.ts';
import { LeaseLost } from '../../src/cluster/shard-lease.ts';
import type { Config } from '../../src/config/config.ts';
import type { Log } from '../../src/log/log.ts';
import { Levers } from '../../src/operator/levers.ts';
import type { Ports } from '../../src/ports.ts';
import type { Call, Told } from './account.ts';
import { clockOf, cpuOf } from './program-clock.ts';
import type { Dice } from './dice.ts';
import { DiskFault } from './simulated-disk.ts';
import type { SimulatedLedger } from './simulated-ledger.ts';
import type { SimulatedProcessor } from './simulated-processor.ts';
import type { Caller, World } from './world.ts';

/** Longer than any outage of the ledger here. */
const FLUSH_MS = 3_600_000;

/** What an engine runs with. */
export interface EngineParts {
  readonly config: Config;
  readonly journalFile: JournalFile;
  readonly filterFile?: FilterFile;
  readonly processors: readonly [SimulatedProcessor, SimulatedProcessor];
  readonly ledger: SimulatedLedger;
  readonly offer: (from: Program) => Ports['offer'];
  /** Ids that this instance was told to be charged, in any of its lives, since a flush had them. */
  readonly acknowledged: Set<string>;
  /** Whether another process runs this instance now; undefined where none can. */
  readonly isFollowed?: () => boolean;
  /** What it finds out about that. */
  readonly isOurs?: Ports['isOurs'];
}

export interface ProgramParts {
  readonly world: World;
  /** How far the wall clock is off. */
  readonly clockOffMs: () => number;
  /** It dies at this port call. */
  readonly diesAtStep: number;
  readonly onDeath: (how: string) => void;
}

interface Running extends EngineParts {
  readonly engine: Engine;
  readonly levers: Levers;
}

export class Program implements Caller {
  alive = true;
  /** Takes no more calls. */
  stopping = false;
  /** Nothing runs before this time: the process is held up. */
  pausedUntilMs = 0;
  /** Nothing gets from it to the database, or back, before this time. */
  cutOffUntilMs = 0;
  /** The database takes no connection from it before this time. */
  refusedUntilMs = 0;
  diesAtStep: number;
  /** Flushes under way. */
  flushes = 0;
  readonly clock: Clock;
  readonly log: Log;
  readonly dice: Dice;
  readonly #parts: ProgramParts;
  readonly #calls = new Set<(told: Told) => void>();
  readonly #recorded = new Set<string>();
  #running: Running | undefined;
  #steps = 0;

  constructor(parts: ProgramParts) {
    this.#parts = parts;
    this.dice = parts.world.dice.fork();
    this.diesAtStep = parts.diesAtStep;
    const note = (event: string): void => parts.world.note(`log: ${event}`, -1, 0);
    this.clock = clockOf(parts.world, this, parts.clockOffMs);
    this.log = { info: note, warn: note, error: note };
  }

  /** Makes its engine, which neither recovers nor starts here. */
  run(parts: EngineParts): void {
    const { config, journalFile, processors, ledger } = parts;
    const { clock, log } = this;
    const ledgerPort = ledger.seenBy(this, config.LEDGER_TIMEOUT_MS);
    const engine = new Engine(config, {
      clock,
      cpu: cpuOf(this.#parts.world),
      journalFile,
      filterFile: parts.filterFile,
      processors: [processors[0].seenBy(this), processors[1].seenBy(this)],
      ledger: ledgerPort,
      offer: parts.offer(this),
      isOurs: parts.isOurs ?? (() => Promise.resolve(true)),
      log,
      onFatal: (error) => this.fatal(error),
    });
    const levers = new Levers({ engine, ledger: ledgerPort, clock, log });
    this.#running = { ...parts, engine, levers };
  }

  get engine(): Engine {
    return this.#must.engine;
  }

  get isCutOff(): boolean {
    return this.#parts.world.timeline.nowMs < this.cutOffUntilMs;
  }

  get isRefused(): boolean {
    return this.#parts.world.timeline.nowMs < this.refusedUntilMs;
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

  /** What ends a process: it must have been the disk, or another one runs its shard. */
  fatal(error: unknown): void {
    if (!this.alive) return;
    if (error instanceof LeaseLost) return this.die('lease lost');
    if (!(error instanceof DiskFault)) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.#parts.world.books.fail(`fatal: ${text}`);
    }
    this.die('fatal disk fault');
  }

  /** A call to the instance; `answer` is called once, at once or later. */
  admit({ id, cents, from }: Call, answer: (told: Told) => void): void {
    this.#calls.add(answer);
    const end = (told: Told): void => {
      if (this.#calls.delete(answer)) answer(told);
    };
    const admit = (): void => {
      const isInDoubt = from === 'peer in doubt';
      const admitted = this.engine.admission.admit(id, cents, from !== 'client', isInDoubt);
      if (typeof admitted === 'string') end(admitted);
      else admitted.then(end, () => end('failed'));
    };
    if (this.#must.isFollowed !== undefined) this.later(0, admit);
    else this.#try(admit);
  }

  #try(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.fatal(error);
    }
  }

  /** An operator does something to a payment. */
  operate(act: (levers: Levers) => Promise<unknown>): void {
    this.later(0, () => {
      act(this.#must.levers).catch((error: unknown) => this.fatal(error));
    });
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
      this.#try(run);
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
    const { acknowledged, isFollowed } = this.#must;
    // An answer to an old owner is like one that reaches nobody.
    if (isFollowed?.() !== true) acknowledged.add(id);
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
    const { acknowledged, ledger, isFollowed } = this.#must;
    const { books } = this.#parts.world;
    const due = [...acknowledged];
    this.flushes++;
    this.engine.flush(FLUSH_MS).then((missing) => {
      this.flushes--;
      if (!this.alive) return;
      if (missing !== undefined) {
        const isUncertain = missing === 'another process may run this instance';
        const isRefused = missing === 'the ledger refuses a row of what is charged';
        const mayBe = isUncertain ? isFollowed !== undefined : ledger.refusedRows.size > 0;
        if ((!isUncertain && !isRefused) || !mayBe) books.fail(`a flush was given up: ${missing}`);
        return;
      }
      for (const id of due) {
        const { row, wasLost, givenUp } = books.of(id);
        if (row === undefined && !wasLost && givenUp === undefined)
          books.fail(`not flushed: ${id}`);
        acknowledged.delete(id);
      }
    }, this.fatal.bind(this));
  }

  get #must(): Running {
    if (this.#running === undefined) throw new Error('its engine is not made yet');
    return this.#running;
  }
}
