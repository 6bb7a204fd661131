// Takes a shard that has no owner, or whose owner is silent. Until there is one this process is a
// spare.
//
//   spare ──a shard is free──▶ lock, next epoch, cells read ──▶ owner
//     ▲                          │
//     └── somebody else was first┘

import { hostname } from 'node:os';
import { readFileSync } from 'node:fs';
import { readHeader } from '../buffer/journal-header.ts';
import { sleep, type Clock } from '../clock.ts';
import { ConfigError } from '../config/config.ts';
import { explain, UnusableLedger } from '../ledger/explain.ts';
import { makeSchema } from '../ledger/schema.ts';
import { Condition } from '../log/condition.ts';
import type { Log } from '../log/log.ts';
import { Outage } from '../log/outage.ts';
import { journalText } from '../membership/disagreement.ts';
import { doubtUnpinned } from './home.ts';
import type { NewClient } from './database-client.ts';
import { ShardSession, type CellRow } from './shard-session.ts';
import {
  ONE_DISK,
  type ShardRow,
  type Shards,
  type ShardsTable,
  type Tenure,
} from './shards-table.ts';
import { headerFrom } from './table-journal.ts';

export interface TakeShardParts {
  readonly newClient: NewClient;
  /** The database's, for messages. */
  readonly url: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly table: ShardsTable;
  /** In all. */
  readonly shards: number;
  /** A number, or undefined for any shard. */
  readonly shard: number | undefined;
  /** Where other instances reach this process; '' without. */
  readonly address: string;
  /** A database whose commits are on one disk is refused. */
  readonly needsStandby: boolean;
  readonly ringSlots: number;
  readonly stop: AbortSignal;
}

export interface TakenShard {
  readonly tenure: Tenure;
  readonly session: ShardSession;
  readonly cells: readonly CellRow[];
}

/** Another process that takes the shard has its lock for a moment. */
const LOCKED_MAX = 3;
const LOCKED =
  'the session of an earlier owner has its lock, and can not be ended: has it another user?';
const SCHEMA = new URL('../ledger/schema.sql', import.meta.url);
/** Without news. An owner that stops in order makes some. */
const LOOK_EVERY_MS = 500;
const NOT_AT_ONCE_MS = 100;
/**
 * An owner whose heartbeat stayed the same for longer may be followed: it beats every second. The
 * time is this process's: a failover may bring another clock, and then a heartbeat of the future.
 */
const SILENT_MS = 4_000;
/**
 * After a failover of the database every owner was silent, and comes back first. Counted from our
 * own connection.
 */
const OWNERS_FIRST_MS = 3_000;

/** Resolves with undefined when `stop` comes first. */
export async function takeShard(parts: TakeShardParts): Promise<TakenShard | undefined> {
  const { clock, log, table, stop, url } = parts;
  const [begins, ends] = ['database unavailable for the shards', 'database available again'];
  const outage = new Outage({ clock, log, begins, ends });
  const silence = new Silence(clock);
  let hasTables = false;
  let isSpare = false;
  const locked = new Condition();
  let lockedInARow = 0;
  while (!stop.aborted) {
    const news = table.nextNews();
    try {
      if (!hasTables) await makeTables(parts);
      hasTables = true;
      const askedAtMs = clock.elapsed();
      const shards = await table.read();
      silence.heard(shards.rows);
      const taken = await takeFree(parts, shards, (row) => silence.ofMs(row, askedAtMs));
      outage.works();
      lockedInARow = taken === 'locked' ? lockedInARow + 1 : 0;
      const due = locked.update(lockedInARow >= LOCKED_MAX, clock.elapsed());
      if (due !== undefined && lockedInARow > 0) log.warn('shard locked', { why: LOCKED, ...due });
      if (taken !== 'locked' && taken !== undefined) return taken;
      if (!isSpare) log.info('spare', { why: 'no shard is free' });
      isSpare = true;
    } catch (error) {
      if (error instanceof ConfigError) throw error;
      const { isTemporary: _, ...details } = explain(error, url);
      outage.failed(details.cause, details);
    }
    await Promise.race([news, sleep(clock, LOOK_EVERY_MS * (0.5 + clock.random()))]);
    // Not all spares at the same moment.
    await sleep(clock, NOT_AT_ONCE_MS * clock.random());
  }
  return undefined;
}

async function makeTables({ newClient, table }: TakeShardParts): Promise<void> {
  const client = newClient('repasse-schema');
  // Its end is the statement's failure too.
  client.on('error', nothing);
  try {
    await client.connect();
    await makeSchema(client, readFileSync(SCHEMA, 'utf8'));
  } finally {
    client.end().catch(nothing);
  }
  await table.makeRows();
}

async function takeFree(
  parts: TakeShardParts,
  { rows, hasStandby, registered }: Shards,
  silentMs: (row: ShardRow) => number,
): Promise<TakenShard | 'locked' | undefined> {
  const { clock, table, shard, shards, needsStandby } = parts;
  if (registered !== undefined && registered !== shards) {
    const count = `SHARDS is ${shards}, the ledger is for ${registered}`;
    throw new UnusableLedger('SHARDS', `${count}: "npm run operate -- count ${shards}"?`);
  }
  if (needsStandby && !hasStandby) throw new UnusableLedger('LEDGER_DURABILITY', ONE_DISK);
  const connectedForMs = clock.elapsed() - (table.connectedAtMs ?? clock.elapsed());
  const isFree = (row: ShardRow): boolean =>
    row.heartbeat === '-infinity' ||
    (silentMs(row) > SILENT_MS && connectedForMs >= OWNERS_FIRST_MS);
  const free = rows.filter((row) => isFree(row) && row.shard === (shard ?? row.shard));
  const row = free[Math.floor(clock.random() * free.length)];
  return row === undefined ? undefined : take(parts, row);
}

async function take(
  parts: TakeShardParts,
  row: ShardRow,
): Promise<TakenShard | 'locked' | undefined> {
  const { clock, log, address, table } = parts;
  const { shard } = row;
  const session = new ShardSession({ ...parts, shard });
  try {
    await session.open();
    const chance = String(clock.random()).slice(2);
    const owner = `${hostname()} process ${process.pid}, ${chance}`;
    const isFollowed = await follow(session, parts.ringSlots);
    const next = isFollowed ? await session.take(row.epoch, owner, address) : undefined;
    if (next === undefined) {
      session.close();
      return isFollowed ? undefined : 'locked';
    }
    const { epoch, hasMoved } = next;
    const tenure = { shard, epoch, owner };
    const found = await readCells(session, tenure, () => table.beat(tenure));
    log.info('shard taken', { shard, epoch, cells: found.length });
    const cells = hasMoved ? await doubtUnpinned({ session, log, shard, cells: found }) : found;
    return { tenure, session, cells };
  } catch (error) {
    session.close();
    throw error;
  }
}

/**
 * The header and all cells. A large ring takes longer than an owner may be silent.
 * @throws ConfigError if they have no header: the journal is no new one
 */
async function readCells(
  session: ShardSession,
  { shard }: Tenure,
  beat: () => Promise<boolean>,
): Promise<readonly CellRow[]> {
  const cells = await session.allCells(async () => {
    if (!(await beat())) throw new Error('another process has followed');
  });
  if (cells.length > 0 && readHeader(headerFrom(cells) ?? Buffer.alloc(0)) === undefined) {
    const repair = `"npm run operate -- repair ${shard}" makes it anew from the payments behind it`;
    throw new ConfigError(`the header of shard ${shard}'s journal is damaged: ${repair}`);
  }
  return cells;
}

/**
 * Gets the lock, and ends what an earlier owner has open beside it: what that one wrote is written
 * before the next epoch. Resolves with whether the lock is ours.
 * @throws ConfigError if the journal is for another RING_SLOTS: its shard stays without an owner
 */
async function follow(session: ShardSession, ringSlots: number): Promise<boolean> {
  if (!(await session.lock())) return false;
  const header = readHeader(headerFrom(await session.header()) ?? Buffer.alloc(0));
  if (header === undefined) return true;
  if (header.slots !== ringSlots) {
    const was = `the shard's journal is for RING_SLOTS=${header.slots}`;
    throw new ConfigError(
      `${was}, RING_SLOTS is ${ringSlots}: the same for all shards. To change it: start all with ` +
        `RING_SLOTS=${header.slots}, wait until their status has "held":0, stop them with SIGTERM, ` +
        'and "npm run operate -- remove <shard>" for each shard',
    );
  }
  await session.endOthers(journalText(header.journalId));
  return true;
}

/** Since when each owner is silent, as far as this process has looked. */
class Silence {
  readonly #clock: Clock;
  /** By shard: the heartbeat, and when it was seen for the first time. */
  readonly #seen: { readonly heartbeat: string; readonly atMs: number }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  heard(rows: readonly ShardRow[]): void {
    for (const { shard, heartbeat } of rows) {
      if (this.#seen[shard]?.heartbeat === heartbeat) continue;
      this.#seen[shard] = { heartbeat, atMs: this.#clock.elapsed() };
    }
  }

  /** How long it was silent when the table was asked. */
  ofMs({ shard }: ShardRow, askedAtMs: number): number {
    return askedAtMs - (this.#seen[shard]?.atMs ?? askedAtMs);
  }
}

function nothing(): void {}
