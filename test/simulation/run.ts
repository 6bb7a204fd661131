// One simulated run: payments and faults until the world heals. Then all that was accepted must be
// settled in bounded time, and the books must balance. Then every instance is restarted, many
// payments are repeated, and nothing may change.

import type { Config } from '../../src/config/config.ts';
import { LeaseLost } from '../../src/cluster/shard-lease.ts';
import { CURSES } from './account.ts';
import { Clients } from './clients.ts';
import { shardFleet } from './shard-fleet.ts';
import type { Fleet } from './fleet.ts';
import { fleetOf, Instance } from './instance.ts';
import { offersBetween } from './offers.ts';
import { unleash } from './plagues.ts';
import { throwSettings } from './settings.ts';
import { DiskFault } from './simulated-disk.ts';
import { SimulatedLedger } from './simulated-ledger.ts';
import { SimulatedProcessor } from './simulated-processor.ts';
import { SteadyRun } from './steady.ts';
import { World, type Trace } from './world.ts';
import { statusOf } from '../../src/api/status.ts';

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

/**
 * Every accepted payment must be settled this long after everything works again; a refused row
 * alone waits 30 s.
 */
const SETTLE_MS = 120_000;
const LOOK_EVERY_MS = 50;
/** One run of so many is a steady one. */
const STEADY_EVERY = 8;
/** And one of so many others has shards, with journals in a database. */
const SHARDS_EVERY = 3;

export async function simulate({ seed, payments, trace }: RunOptions): Promise<RunResult> {
  const world = new World(seed, trace);
  const hasShards = seed % SHARDS_EVERY === 1;
  const run = seed % STEADY_EVERY === 0 ? new SteadyRun(world) : new Run(world, hasShards);
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
  // Whoever runs the shard was told so too.
  if (reason instanceof LeaseLost) return;
  if (reason instanceof DiskFault) return reason.victim.fatal(reason);
  const text = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
  world.books.fail(`unhandled rejection: ${text}`);
}

class Run {
  readonly world: World;
  readonly #processors: readonly [SimulatedProcessor, SimulatedProcessor];
  readonly #ledger: SimulatedLedger;
  readonly #fleet: Fleet;
  readonly #clients: Clients;

  constructor(world: World, hasShards: boolean) {
    this.world = world;
    const configs = throwSettings(world.dice, hasShards);
    const { OUTCOMES_DEFAULT, OUTCOMES_FALLBACK } = configs[0] as Config;
    this.#processors = [
      new SimulatedProcessor(0, world, OUTCOMES_DEFAULT),
      new SimulatedProcessor(1, world, OUTCOMES_FALLBACK),
    ];
    this.#ledger = new SimulatedLedger(world);
    const offer = offersBetween(world, () => this.#fleet);
    const parts = { world, processors: this.#processors, ledger: this.#ledger, offer };
    this.#fleet = hasShards
      ? shardFleet(configs, parts)
      : fleetOf(configs.map((config, number) => new Instance({ ...parts, config, number })));
    this.#clients = new Clients(world, this.#fleet);
  }

  async play(payments: number): Promise<void> {
    const { weather, books, timeline } = this.world;
    const dice = this.world.dice.fork();
    const fleet = this.#fleet;
    this.#clients.plan(payments, weather.healAtMs * 0.9);
    for (const { text } of books.accounts) {
      if (weather.strikes('rowRefused')) this.#ledger.refusedRows.add(text);
      if (weather.strikes('nobodyTakes')) books.of(text).curse = dice.pick(CURSES);
    }
    fleet.onContest((instance) => {
      if (!weather.healed) this.#clients.rush(instance, 8);
    });
    unleash({
      world: this.world,
      fleet,
      processors: this.#processors,
      ledger: this.#ledger,
      clients: this.#clients,
    });
    for (const member of fleet.members) member.start();
    timeline.in(weather.healAtMs, () => this.#heal());
    await this.#untilSettled(weather.healAtMs + SETTLE_MS);
    this.#checkAtRest();

    // Everybody forgets what is only in memory.
    books.strict = true;
    for (const member of fleet.members) member.restart();
    this.#clients.repeat(0.3, 500);
    await this.#untilSettled(timeline.nowMs + SETTLE_MS);
    this.#checkAtRest();
  }

  #heal(): void {
    this.world.weather.healed = true;
    this.world.note('healed', -1, 0);
    for (const processor of this.#processors) processor.heal();
    this.#ledger.away = false;
    this.#fleet.heal();
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
    for (let instance = 0; instance < this.#fleet.instances; instance++) {
      const program = this.#fleet.onlyLife(instance);
      if (program === undefined || program.stopping || program.flushes > 0) return false;
      const { ring } = program.engine;
      if (statusOf(program.engine)['free'] !== ring.slots) return false;
    }
    return books.accounts.every((account) => account.isSettled);
  }

  #unsettled(): string {
    const accounts = this.world.books.accounts.filter((account) => !account.isSettled);
    const instances = this.#fleet.members.map(({ program, number }) => ({
      number,
      stopping: program?.stopping,
      flushes: program?.flushes,
      ...(program === undefined ? {} : statusOf(program.engine)),
    }));
    const first = accounts.slice(0, 3).map(({ index, text }) => `#${index} ${text}`);
    const { flying } = this.world;
    const { isDone: areDone } = this.#clients;
    const others = JSON.stringify({ flying, areDone });
    return `${accounts.length} payments (${first.join(', ')}), ${others}, ${JSON.stringify(instances)}`;
  }

  #checkAtRest(): void {
    const { books, weather } = this.world;
    if (books.failure !== undefined) return;
    books.balance();
    // A disk that fails may leave the cell of a settled or refused payment; the next start repairs
    // it.
    const fleet = this.#fleet;
    const mayLinger =
      fleet.membersMove || weather.counts.has('writeFails') || weather.counts.has('power lost');
    for (let instance = 0; instance < fleet.instances; instance++) {
      for (const id of fleet.inJournal(instance)) {
        const { row, maybe, givenUp, lost } = books.of(id);
        const isKnown = row !== undefined || maybe || givenUp !== undefined || lost;
        const isLeft = mayLinger && isKnown;
        if (!isLeft) books.fail(`still in a journal: ${id}`);
      }
    }
  }
}
