// The lease on a shard while this process runs it: writes the journal's cells, beats, and says when
// the lease is lost.
//
//   ours ──session lost──▶ between sessions ──still our epoch, under the lock──▶ ours
//     │                        └──another owner's──▶ lost: the process ends
//     └──heartbeat finds another owner's──▶ lost
//
// A commit whose fate is unknown is repeated in the next session, under the lock. Until then what
// it permits waits.

import { sleep, type Clock } from '../clock.ts';
import { Condition } from '../log/condition.ts';
import type { Log } from '../log/log.ts';
import { Outage } from '../log/outage.ts';
import type { ShardSession } from './shard-session.ts';
import { ONE_DISK, type ShardRow, type ShardsTable, type Tenure } from './shards-table.ts';

/** Another process runs the shard: this one must end. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

export interface ShardLeaseParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly tenure: Tenure;
  /** The session that took the shard. */
  readonly session: ShardSession;
  /** Makes another one, which isn't open yet. */
  readonly newSession: () => ShardSession;
  readonly table: ShardsTable;
  /** With each heartbeat: who runs which shard. */
  readonly onShards: (rows: readonly ShardRow[]) => void;
  readonly onLost: (error: LeaseLost) => void;
}

const BEAT_EVERY_MS = 1_000;
const RETRY_MS = 200;

export class ShardLease {
  readonly #parts: ShardLeaseParts;
  readonly #outage: Outage;
  readonly #heartbeats: Outage;
  readonly #oneDisk = new Condition();
  /** undefined between two sessions. */
  #session: ShardSession | undefined;
  #renewal: Promise<ShardSession> | undefined;
  #wake: () => void = nothing;
  /** As the latest heartbeat found it; a shard is taken only where that is right. */
  #hasStandby = true;
  #onStandby: (isThere: boolean) => void = nothing;
  #ended = false;

  constructor(parts: ShardLeaseParts) {
    this.#parts = parts;
    this.#session = parts.session;
    const [begins, ends] = ['journal unavailable', 'journal available again'];
    this.#outage = new Outage({ ...parts, begins, ends });
    this.#heartbeats = new Outage({
      ...parts,
      begins: 'heartbeat fails',
      ends: 'heartbeat works again',
    });
  }

  /**
   * Resolves when the cells are committed, which may take as long as the database is away.
   * @throws LeaseLost
   */
  async write(slots: readonly number[], cells: Buffer): Promise<void> {
    for (;;) {
      const session = this.#session ?? (await this.#renew());
      try {
        await session.write(slots, cells);
        this.#outage.works();
        return;
      } catch (error) {
        this.#drop(session, error as Error);
      }
    }
  }

  start(): void {
    void this.#beat();
  }

  /** Tells, now and with each heartbeat, whether commits wait for a standby. */
  watchStandby(told: (isThere: boolean) => void): void {
    this.#onStandby = told;
    told(this.#hasStandby);
  }

  /** The next heartbeat is now: another shard has another owner. */
  news(): void {
    this.#wake();
  }

  /** Gives the shard up, after the engine has stopped. Never rejects. */
  async release(): Promise<void> {
    const { table, tenure } = this.#parts;
    this.#end();
    await table.release(tenure).catch(nothing);
    table.close();
  }

  async #beat(): Promise<void> {
    const { clock, table, tenure, onShards } = this.#parts;
    while (!this.#ended) {
      try {
        const isOurs = await table.beat(tenure);
        if (!isOurs) return this.#lose();
        const { rows, hasStandby } = await table.read();
        onShards(rows);
        this.#lookAtStandby(hasStandby);
        const session = this.#session;
        if (session?.failure !== undefined) this.#drop(session, session.failure);
        this.#heartbeats.works();
      } catch (error) {
        // The journal may work all the same: a successor ends that soon.
        const { message } = error as Error;
        this.#heartbeats.failed(message, { message });
      }
      await Promise.race([
        sleep(clock, BEAT_EVERY_MS),
        new Promise<void>((resolve) => {
          this.#wake = resolve;
        }),
      ]);
    }
  }

  #lookAtStandby(hasStandby: boolean): void {
    const { clock, log } = this.#parts;
    this.#hasStandby = hasStandby;
    this.#onStandby(hasStandby);
    const due = this.#oneDisk.update(!hasStandby, clock.elapsed());
    if (due === undefined) return;
    if (hasStandby) log.info('commits wait for a standby again', { afterMs: due.forMs });
    else log.error('commits are on one disk', { why: ONE_DISK });
  }

  #drop(session: ShardSession, { message }: Error): void {
    if (!this.#ended) this.#outage.failed(message, { message });
    if (this.#session !== session) return;
    this.#session = undefined;
    session.close();
    // Who writes next meets its error too.
    this.#renew().catch(nothing);
  }

  #renew(): Promise<ShardSession> {
    this.#renewal ??= this.#takeAgain().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  async #takeAgain(): Promise<ShardSession> {
    const { clock, tenure, newSession } = this.#parts;
    while (!this.#ended) {
      const session = newSession();
      try {
        await session.open();
        // Before the lock: its holder may be the rightful owner.
        if (!(await session.isLatest(tenure))) this.#lose();
        else if ((await session.lock()) && (await session.takeAgain(tenure))) {
          this.#session = session;
          return session;
        }
      } catch (error) {
        const { message } = error as Error;
        this.#outage.failed(message, { message });
      }
      session.close();
      await sleep(clock, RETRY_MS);
    }
    throw new LeaseLost(`shard ${tenure.shard} is not ours any more`);
  }

  #lose(): void {
    if (this.#ended) return;
    this.#end();
    const { tenure, onLost } = this.#parts;
    const { shard, epoch } = tenure;
    onLost(new LeaseLost(`shard ${shard}: another process has followed epoch ${epoch}`));
  }

  #end(): void {
    this.#ended = true;
    this.#wake();
    this.#session?.close();
  }
}

function nothing(): void {}
