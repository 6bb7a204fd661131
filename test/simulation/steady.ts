// Runs with a single fault, which measure in virtual time what must not suffer from it: whether
// payments that nobody takes delay good ones, whether a backlog grows in a process that is held up,
// and how late an unknown outcome is learned.

import { readConfig, type Config } from '../../src/config/config.ts';
import { CURSES, type Account } from './account.ts';
import { Instance } from './instance.ts';
import { SimulatedLedger } from './simulated-ledger.ts';
import { SimulatedProcessor } from './simulated-processor.ts';
import type { World } from './world.ts';

const SPAN_MS = 12_000;
/** From then on nobody may notice the payments that nobody takes. */
const SET_ASIDE_MS = 6_000;
const WAIT_MAX_MS = 100;
const WAITED_LONGER_MAX = 0.01;
const LAG_MAX_MS = 1_050;
/** For what is under way at the end of the span. */
const END_MS = 60_000;
const BAD = 150;
const HELD_UP_MS = 30;

interface Steady {
  readonly perS: number;
  readonly settings: Readonly<Record<string, string>>;
}

export class SteadyRun {
  readonly #world: World;
  readonly #processors: readonly [SimulatedProcessor, SimulatedProcessor];
  readonly #instance: Instance;
  readonly #perS: number;
  readonly #postedAtMs = new Map<Account, number>();
  readonly #kind: 'nobody takes' | 'held up' | 'late answers';

  constructor(world: World) {
    this.#world = world;
    const { dice, weather } = world;
    weather.calm();
    this.#kind = dice.pick(['nobody takes', 'held up', 'late answers'] as const);
    weather.count(this.#kind);
    const { perS, settings } = this.#throw();
    this.#perS = perS;
    const rule = dice.pick(['contest', 'strict'] as const);
    const config = configOf({ ...settings, OUTCOMES_DEFAULT: rule, OUTCOMES_FALLBACK: rule });
    this.#processors = [
      new SimulatedProcessor(0, world, rule, 800),
      new SimulatedProcessor(1, world, rule, 800),
    ];
    const ledger = new SimulatedLedger(world);
    this.#instance = new Instance({
      world,
      config,
      number: 0,
      processors: this.#processors,
      ledger,
      offer: noPeer,
    });
  }

  #throw(): Steady {
    const { dice } = this.#world;
    switch (this.#kind) {
      case 'nobody takes':
        return { perS: 100, settings: { TIMEOUT_SLACK_MS: String(dice.whole(100, 6_000)) } };
      case 'held up':
        // The compose file's.
        return { perS: 200, settings: { SENDS_GATHER_MS: '10' } };
      case 'late answers':
        return { perS: 50, settings: { TIMEOUT_SLACK_MS: String(dice.whole(300, 6_000)) } };
    }
  }

  async play(): Promise<void> {
    const { timeline, books, dice, weather } = this.#world;
    this.#instance.start();
    switch (this.#kind) {
      case 'nobody takes':
        for (const processor of this.#processors) processor.delayMs = 0;
        this.#curse();
        break;
      case 'held up':
        // More than a drain may use, and less than there is.
        weather.cpuShare = 0.6;
        weather.healAtMs = Number.POSITIVE_INFINITY;
        this.#holdUp(dice.pick([100, 200]));
        break;
      case 'late answers':
        books.lagMaxMs = LAG_MAX_MS;
        this.#processors[0].delayMs = dice.whole(6_000, 20_000);
        break;
    }
    for (let atMs = 100; atMs < SPAN_MS; atMs += 1_000 / this.#perS) this.#post(atMs);
    await timeline.run(() => timeline.nowMs >= SPAN_MS || books.failure !== undefined);
    if (this.#kind === 'held up') this.#checkBacklog();
    await this.#untilCharged();
    if (this.#kind === 'nobody takes') this.#checkWaits();
  }

  #post(atMs: number): void {
    const { timeline, books, dice } = this.#world;
    const account = books.open(dice.id());
    timeline.in(atMs, () => this.#admit(account, 1_990));
    this.#postedAtMs.set(account, atMs);
  }

  #admit(account: Account, cents: number): void {
    account.posted.add(cents);
    this.#instance.program?.admit({ id: account.id, cents, from: 'client' }, (told) => {
      this.#world.books.told(account, cents, true, told);
      if (told !== 'accepted') this.#world.books.fail(`${told} in a steady run`);
    });
  }

  #curse(): void {
    const { timeline, books, dice } = this.#world;
    const curse = dice.pick(CURSES);
    for (let n = 0; n < BAD; n++) {
      const account = books.open(dice.id());
      account.curse = curse;
      timeline.in(100, () => this.#admit(account, 6_660));
    }
  }

  #holdUp(everyMs: number): void {
    const { timeline } = this.#world;
    const { program } = this.#instance;
    if (program !== undefined) program.pausedUntilMs = timeline.nowMs + HELD_UP_MS;
    timeline.in(everyMs, () => {
      if (timeline.nowMs < SPAN_MS) this.#holdUp(everyMs);
    });
  }

  #checkBacklog(): void {
    const { program } = this.#instance;
    const queued = program === undefined ? 0 : program.engine.ring.waiting;
    if (queued > this.#perS) this.#world.books.fail(`${queued} queued though CPU is left`);
  }

  async #untilCharged(): Promise<void> {
    const { timeline, books } = this.#world;
    const good = [...this.#postedAtMs.keys()];
    let isOver = false;
    const look = (): void => {
      isOver = good.every((account) => account.row !== undefined);
      if (isOver) return;
      if (timeline.nowMs > SPAN_MS + END_MS) books.fail('good payments are not settled in time');
      else timeline.in(50, look);
    };
    look();
    await timeline.run(() => isOver || books.failure !== undefined);
  }

  #checkWaits(): void {
    const late = [...this.#postedAtMs].filter(([, atMs]) => atMs >= SET_ASIDE_MS);
    const waited = late.filter(([account, atMs]) => account.chargedAtMs - atMs > WAIT_MAX_MS);
    if (waited.length <= late.length * WAITED_LONGER_MAX) return;
    this.#world.books.fail(`${waited.length} of ${late.length} good payments wait for bad ones`);
  }
}

/** There is no other instance. */
const noPeer = () => () => Promise.resolve('away' as const);

function configOf(settings: Readonly<Record<string, string>>): Config {
  return readConfig({
    SOCKET_PATH: '/run/instance',
    JOURNAL_PATH: '/simulated',
    DATABASE_URL: 'postgres://simulated/ledger',
    PROCESSOR_DEFAULT_URL: 'http://default',
    PROCESSOR_FALLBACK_URL: 'http://fallback',
    RING_SLOTS: '4000',
    BLOOM_FILTER_MIB: '1',
    ...settings,
  });
}
