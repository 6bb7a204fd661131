// A process of the cluster over all its lives: a spare until it takes a shard, then its owner until
// it dies, stops, or finds that another process has followed it. While it stands still or is cut
// off, another one may run the shard too.

import type { Ring } from '../../src/buffer/ring.ts';
import type { DatabaseClient } from '../../src/cluster/database-client.ts';
import { ShardLease } from '../../src/cluster/shard-lease.ts';
import { ShardSession } from '../../src/cluster/shard-session.ts';
import { ShardsTable } from '../../src/cluster/shards-table.ts';
import { TableJournal } from '../../src/cluster/table-journal.ts';
import { takeShard, type TakenShard } from '../../src/cluster/take-shard.ts';
import type { Config } from '../../src/config/config.ts';
import type { Ports } from '../../src/ports.ts';
import type { Dice } from './dice.ts';
import type { Member } from './fleet.ts';
import { throwDeath } from './instance.ts';
import { Program, type EngineParts } from './program.ts';
import { SimulatedClient } from './simulated-client.ts';
import type { SimulatedDatabase } from './simulated-database.ts';
import type { World } from './world.ts';

export interface ShardProcessParts extends Omit<
  EngineParts,
  'config' | 'journalFile' | 'acknowledged'
> {
  readonly world: World;
  readonly database: SimulatedDatabase;
  readonly config: Config;
  /** By shard. */
  readonly acknowledged: readonly Set<string>[];
}

/** A server ends a session whose client it can't reach after so long (its keepalives). */
const KEEPALIVE_MS = 6_000;
/** Much longer than a run has to settle everything. */
const FOR_GOOD_MS = 10_000_000;

export class ShardProcess implements Member {
  clockOffMs = 0;
  readonly config: Config;
  /** Its present life, from its start on; undefined while it is dead. */
  life: Program | undefined;
  /** Its present life, once it has a shard and its engine runs. */
  program: Program | undefined;
  number = -1;
  owner = '';
  /** Where the shards are, as far as it knows. */
  readonly addresses: string[] = [];
  readonly #parts: ShardProcessParts;
  readonly #world: World;
  readonly #dice: Dice;
  readonly #clients = new Set<SimulatedClient>();
  #lease: ShardLease | undefined;
  #stop = new AbortController();
  #hostDies = false;

  constructor(parts: ShardProcessParts) {
    this.#parts = parts;
    this.#world = parts.world;
    this.config = parts.config;
    this.#dice = parts.world.dice.fork();
  }

  get isUp(): boolean {
    return this.program?.alive === true && !this.program.stopping;
  }

  /** Another process has taken its shard. */
  get isFollowed(): boolean {
    const row = this.#parts.database.tables.shards[this.number];
    return row !== undefined && row.owner !== this.owner;
  }

  start(): void {
    const program = new Program({
      world: this.#world,
      clockOffMs: () => this.clockOffMs,
      diesAtStep: throwDeath(this.#world, this.#dice),
      onDeath: () => this.#onDeath(),
    });
    this.life = program;
    this.#stop = new AbortController();
    this.#live(program).catch((error: unknown) => program.fatal(error));
  }

  stop(): void {
    const { program } = this;
    this.#stop.abort();
    if (program === undefined || !this.isUp) return;
    program.stopping = true;
    const lease = this.#lease;
    const drainMs = this.#dice.pick([0, 100, 3_000]);
    program.engine
      .stop(drainMs)
      .then(() => lease?.release())
      .then(
        () => program.die('stop'),
        (error: unknown) => program.fatal(error),
      );
  }

  /** Its host does, and says nothing to the database. */
  losePower(): void {
    this.#hostDies = true;
    this.life?.die('power loss');
    this.#hostDies = false;
  }

  restart(): void {
    this.life?.die('restart');
  }

  heal(): void {
    if (this.life !== undefined) this.life.diesAtStep = Number.POSITIVE_INFINITY;
  }

  /** It reaches the processors, and not the database. */
  cutOff(forMs: number): void {
    const { life } = this;
    const { timeline } = this.#world;
    if (life === undefined) return;
    life.cutOffUntilMs = timeline.nowMs + forMs;
    this.#world.note('cut off', -1, forMs);
    if (this.number >= 0) this.#parts.database.onContest(this.number);
    if (forMs < KEEPALIVE_MS) return;
    for (const client of this.#clients) {
      timeline.in(KEEPALIVE_MS, () => client.isMissed());
    }
  }

  standStill(forMs: number): void {
    const { life } = this;
    if (life === undefined) return;
    const untilMs = this.#world.timeline.nowMs + forMs;
    life.pausedUntilMs = Math.max(life.pausedUntilMs, untilMs);
    this.#world.note('stands still', -1, forMs);
  }

  /** The database takes no connection from it. Silent: its heartbeat is without one, too. */
  refuseConnections(forMs: number, isSilent: boolean): void {
    if (this.life === undefined) return;
    this.life.refusedUntilMs = this.#world.timeline.nowMs + forMs;
    if (!isSilent) return;
    for (const client of this.#clients) if (client.name === 'repasse-shards') client.break();
  }

  /** It stands still until it is restarted. */
  freeze(): void {
    this.standStill(FOR_GOOD_MS);
  }

  get isFrozen(): boolean {
    const untilMs = this.life?.pausedUntilMs ?? 0;
    return untilMs - this.#world.timeline.nowMs > FOR_GOOD_MS / 2;
  }

  async #live(program: Program): Promise<void> {
    const { config } = this;
    const { clock, log } = program;
    const newClient = (name: string): DatabaseClient => this.#newClient(program, name);
    const shards = config.SHARDS;
    const onNews = (): void => this.#lease?.news();
    const table = new ShardsTable({ newClient, clock, shards, onNews });
    const taken = await takeShard({
      newClient,
      url: config.DATABASE_URL,
      clock,
      log,
      table,
      shards,
      shard: undefined,
      address: config.PEER_LISTEN,
      ringSlots: config.RING_SLOTS,
      needsStandby: false,
      stop: this.#stop.signal,
    });
    if (!program.alive) return;
    // As in instance.ts: a shard that it took meanwhile is found silent.
    if (taken === undefined || this.#stop.signal.aborted) return program.die('stop');
    const { tenure, session } = taken;
    const { shard } = tenure;
    this.#lease = new ShardLease({
      clock,
      log,
      tenure,
      session,
      newSession: () => new ShardSession({ newClient, clock, shard }),
      table,
      onShards: (rows) => {
        for (const row of rows) this.addresses[row.shard] = row.address;
      },
      onLost: (error) => program.fatal(error),
    });
    this.#lease.start();
    const isOurs = (): Promise<boolean> => table.isLatest(tenure);
    this.#run(program, taken, { lease: this.#lease, isOurs });
  }

  #run(
    program: Program,
    { tenure: { shard, epoch, owner }, cells }: TakenShard,
    { lease, isOurs }: { readonly lease: ShardLease; readonly isOurs: Ports['isOurs'] },
  ): void {
    this.number = shard;
    this.owner = owner;
    const config = { ...this.config, SHARD: String(shard) };
    const journalFile = new TableJournal(config.RING_SLOTS, cells, lease);
    const acknowledged = this.#parts.acknowledged[shard] as Set<string>;
    const isFollowed = (): boolean => this.isFollowed;
    program.run({ ...this.#parts, config, journalFile, acknowledged, isFollowed, isOurs });
    program.engine.recover(journalFile.isNew);
    this.#find(program.engine.ring);
    if (!program.step()) return;
    program.engine.start();
    this.program = program;
    this.#world.weather.count(epoch === 1 ? 'shard taken' : 'shard moved');
    this.#world.note(`${config.PEER_LISTEN} runs shard ${shard}`, -1, epoch);
  }

  /** Whoever brought a payment that it finds may have no answer yet, and get none. */
  #find(ring: Ring): void {
    const { books } = this.#world;
    for (let slot = 0; slot < ring.slots; slot++) {
      if (ring.isLive(slot)) books.of(ring.idText(slot)).maybe = true;
    }
  }

  #newClient(program: Program, name: string): DatabaseClient {
    const { world, database, config } = this.#parts;
    const { dice } = program;
    const timeoutMs = config.LEDGER_TIMEOUT_MS;
    const client = new SimulatedClient({ world, dice, database, program, timeoutMs, name });
    this.#clients.add(client);
    return client as unknown as DatabaseClient;
  }

  #onDeath(): void {
    const { weather, timeline } = this.#world;
    for (const client of this.#clients) {
      if (this.#hostDies) timeline.in(KEEPALIVE_MS, () => client.isMissed());
      else client.abandon();
    }
    this.#clients.clear();
    this.life = undefined;
    this.program = undefined;
    this.#lease = undefined;
    this.number = -1;
    timeline.in(this.#dice.spread(1, weather.healed ? 100 : 5_000), () => this.start());
  }
}
