// One simulated run: payments and faults until the world heals; then all that was taken must be settled in bounded time and the
// books must balance; then everything is started anew, much is repeated, and nothing may have changed.

import type { Config } from '../../src/config.ts';
import { CURSES } from './account.ts';
import { Clients } from './clients.ts';
import { Instance } from './instance.ts';
import { offersBetween } from './offers.ts';
import { unleash } from './plagues.ts';
import { throwSettings } from './settings.ts';
import { DiskFault } from './simulated-disk.ts';
import { SimulatedLedger } from './simulated-ledger.ts';
import { SimulatedProcessor } from './simulated-processor.ts';
import { SteadyRun } from './steady.ts';
import { World, type Trace } from './world.ts';

export interface RunOptions {
  readonly seed: number;
  readonly payments: number;
  /** Is told everything that happens. */
  readonly trace?: Trace | undefined;
}

export interface RunResult {
  readonly seed: number;
  /** What must not be; undefined when all was well. */
  readonly failure: string | undefined;
  /** Of everything that happened, in order. */
  readonly hash: number;
  readonly events: number;
  readonly virtualMs: number;
  /** Payments that are charged and recorded. */
  readonly settled: number;
  readonly counts: ReadonlyMap<string, number>;
}

/** What was taken has to be settled so long after everything works again; a refused row alone waits 30 s. */
const SETTLE_MS = 120_000;
const LOOK_EVERY_MS = 50;
/** One run of so many is a steady one. */
const STEADY_EVERY = 8;

export async function simulate({ seed, payments, trace }: RunOptions): Promise<RunResult> {
  const world = new World(seed, trace);
  const run = seed % STEADY_EVERY === 0 ? new SteadyRun(world) : new Run(world);
  const onRejection = (reason: unknown): void => rejected(world, reason);
  process.on('unhandledRejection', onRejection);
  try {
    await run.play(payments);
  } catch (error) {
    world.books.fail(error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    process.off('unhandledRejection', onRejection);
  }
  return {
    seed,
    failure: world.books.failure,
    hash: world.hash,
    events: world.timeline.events,
    virtualMs: world.timeline.nowMs,
    settled: world.books.accounts.filter(({ row }) => row !== undefined).length,
    counts: world.weather.counts,
  };
}

/** A promise of the pipeline that nobody caught: the process would end by it. */
function rejected(world: World, reason: unknown): void {
  if (reason instanceof DiskFault) return reason.victim.fatal(reason);
  const text = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
  world.books.fail(`unhandled rejection: ${text}`);
}

class Run {
  readonly world: World;
  readonly #processors: readonly [SimulatedProcessor, SimulatedProcessor];
  readonly #ledger: SimulatedLedger;
  readonly #instances: Instance[] = [];
  readonly #clients: Clients;

  constructor(world: World) {
    this.world = world;
    const configs = throwSettings(world.dice);
    const { OUTCOMES_DEFAULT, OUTCOMES_FALLBACK } = configs[0] as Config;
    this.#processors = [
      new SimulatedProcessor(0, world, OUTCOMES_DEFAULT),
      new SimulatedProcessor(1, world, OUTCOMES_FALLBACK),
    ];
    this.#ledger = new SimulatedLedger(world);
    const offer = offersBetween(world, this.#instances);
    for (const config of configs) {
      const parts = { world, config, processors: this.#processors, ledger: this.#ledger, offer };
      this.#instances.push(new Instance(parts));
    }
    this.#clients = new Clients(world, this.#instances);
  }

  async play(payments: number): Promise<void> {
    const { weather, books, timeline } = this.world;
    const dice = this.world.dice.fork();
    const instances = this.#instances;
    this.#clients.plan(payments, weather.healAtMs * 0.9);
    for (const { text } of books.accounts) {
      if (weather.strikes('rowPoisoned')) this.#ledger.poisoned.add(text);
      if (weather.strikes('nobodyTakes')) books.of(text).curse = dice.pick(CURSES);
    }
    unleash({
      world: this.world,
      instances,
      processors: this.#processors,
      ledger: this.#ledger,
      clients: this.#clients,
    });
    for (const instance of instances) instance.start();
    timeline.in(weather.healAtMs, () => this.#heal());
    await this.#untilSettled(weather.healAtMs + SETTLE_MS);
    this.#checkAtRest();

    // Everybody forgets what is only in memory.
    books.strict = true;
    for (const instance of instances) instance.program?.die('restart');
    this.#clients.repeat(0.3, 500);
    await this.#untilSettled(timeline.nowMs + SETTLE_MS);
    this.#checkAtRest();
  }

  #heal(): void {
    this.world.weather.healed = true;
    this.world.note('healed', -1, 0);
    for (const processor of this.#processors) processor.heal();
    this.#ledger.away = false;
    for (const instance of this.#instances) instance.heal();
  }

  async #untilSettled(deadlineMs: number): Promise<void> {
    const { timeline, books } = this.world;
    let isSettled = false;
    const look = (): void => {
      isSettled = this.#isSettled();
      if (isSettled) return;
      if (timeline.nowMs > deadlineMs) books.fail(`not settled in time: ${this.#unsettled()}`);
      else timeline.in(LOOK_EVERY_MS, look);
    };
    timeline.in(LOOK_EVERY_MS, look);
    await timeline.run(() => isSettled || books.failure !== undefined);
  }

  #isSettled(): boolean {
    const { weather, flying, books } = this.world;
    if (!weather.healed || flying > 0 || !this.#clients.isDone) return false;
    for (const { program, config } of this.#instances) {
      if (program === undefined || program.stopping || program.flushes > 0) return false;
      if (program.engine.status()['free'] !== config.RING_SLOTS) return false;
    }
    return books.accounts.every((account) => account.isSettled);
  }

  #unsettled(): string {
    const accounts = this.world.books.accounts.filter((account) => !account.isSettled);
    const instances = this.#instances.map(({ program }) => ({
      stopping: program?.stopping,
      flushes: program?.flushes,
      ...program?.engine.status(),
    }));
    const first = accounts.slice(0, 3).map(({ index, text }) => `#${index} ${text}`);
    return `${accounts.length} payments (${first.join(', ')}), ${JSON.stringify(instances)}`;
  }

  #checkAtRest(): void {
    const { books, weather } = this.world;
    if (books.failure !== undefined) return;
    books.balance();
    // A disk that fails may leave the cell of a settled or refused payment behind; the next start sees to it.
    const mayLinger = weather.counts.has('writeFails') || weather.counts.has('power lost');
    for (const instance of this.#instances) {
      for (const id of instance.inJournal()) {
        const { row, maybe } = books.of(id);
        const isLeft = mayLinger && (row !== undefined || maybe);
        if (!isLeft) books.fail(`still in a journal: ${id}`);
      }
    }
  }
}
