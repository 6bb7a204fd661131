// The database of the shards: a primary and its synchronous standby. A commit is on the primary at
// once; the standby gets all commits in the order of the primary's. One that waits for the standby
// is seen by others and answered when it is there. One that doesn't (synchronous_commit=local) may
// be lost in a failover, and so may one whose wait was ended.

import type { Backend } from './simulated-backend.ts';
import type { Dice } from './dice.ts';
import type { World } from './world.ts';

/** A row of the table of shards. */
interface ShardState {
  readonly epoch: number;
  readonly owner: string;
  readonly address: string;
  /** On the database's clock; -Infinity without an owner. */
  readonly heartbeatAtMs: number;
  /** The database that its cells were written in; '' if that isn't known. */
  readonly home: string;
}

/** A row that was just made. */
const NO_OWNER: ShardState = {
  epoch: 0,
  owner: '',
  address: '',
  heartbeatAtMs: -Infinity,
  home: '',
};

/** The tables of one server. */
export class Tables {
  readonly shards: ShardState[] = [];
  /** By shard and slot. */
  readonly cells: Map<number, Buffer>[] = [];

  copy(): Tables {
    const copy = new Tables();
    copy.shards.push(...this.shards);
    copy.cells.push(...this.cells.map((cells) => new Map(cells)));
    return copy;
  }
}

export type Change = (tables: Tables) => void;

/** A commit that the standby doesn't have yet. */
export interface Commit {
  readonly change: Change;
  /** By all who read at the primary. */
  isSeen: boolean;
  /** Called when it is at the standby; undefined when nobody waits for that any more. */
  onSafe: (() => void) | undefined;
  /** The shard whose row it has locked until others see it; undefined if none. */
  readonly row: number | undefined;
}

const REPLICATION_MS = [0.05, 1] as const;

export class SimulatedDatabase {
  /** Nothing can connect. */
  away = false;
  /** No commit that waits for the standby is answered. */
  #standbyAway = false;
  readonly backends = new Set<Backend>();
  /** Somebody wants a shard that another session has. */
  onContest: (shard: number) => void = () => {};
  /** One way, at most. */
  readonly travelMs: number;
  readonly #world: World;
  readonly #dice: Dice;
  #primary: Tables = new Tables();
  #standby: Tables = new Tables();
  #clockOffMs = 0;
  /** What the standby lacks, in order. */
  #pending: Commit[] = [];
  #arrivesAtMs = 0;
  /** Shards whose row is locked, and the statements that wait for it. */
  readonly #lockedRows = new Map<number, (() => void)[]>();
  /** Counts the failovers. */
  #life = 0;

  constructor(world: World, shards: number) {
    this.#world = world;
    this.#dice = world.dice.fork();
    // In this rack, or in another town.
    this.travelMs = this.#dice.pick([0.5, 5, 20]);
    for (const { shards: rows, cells } of [this.#primary, this.#standby]) {
      for (let shard = 0; shard < shards; shard++) {
        rows.push({ ...NO_OWNER });
        cells.push(new Map());
      }
    }
  }

  /** What a statement sees. */
  get tables(): Tables {
    return this.#primary;
  }

  /** clock_timestamp() */
  get nowMs(): number {
    return this.#world.timeline.nowMs + this.#clockOffMs;
  }

  /** Which database this is: another one after each failover. */
  get here(): string {
    return String(this.#life);
  }

  /** Runs `statement` when no commit that others don't see yet has changed the shard's row. */
  whenRowIsFree(shard: number, statement: () => void): void {
    const waiting = this.#lockedRows.get(shard);
    if (waiting === undefined) statement();
    else waiting.push(statement);
  }

  /**
   * `onSafe` is called when others see it and both servers have it; without it nobody waits. `row`:
   * the shard whose row it changes.
   */
  commit(change: Change, row?: number, onSafe?: () => void): Commit {
    const commit = { change, isSeen: false, onSafe, row };
    this.#pending.push(commit);
    if (onSafe === undefined) this.show(commit);
    else if (row !== undefined) this.#lockedRows.set(row, []);
    const { weather, timeline } = this.#world;
    const lateMs = weather.strikes('standbyLate') ? this.#dice.spread(5, 3_000) : 0;
    const atMs = timeline.nowMs + lateMs + this.#dice.between(...REPLICATION_MS);
    this.#arrivesAtMs = Math.max(this.#arrivesAtMs, atMs);
    const life = this.#life;
    timeline.in(this.#arrivesAtMs - timeline.nowMs, () => {
      if (this.#life === life && !this.#standbyAway) this.#replicateTo(commit);
    });
    return commit;
  }

  /** The wait for the standby was ended. */
  show(commit: Commit): void {
    if (commit.isSeen) return;
    commit.isSeen = true;
    commit.change(this.#primary);
    const { row } = commit;
    if (row === undefined) return;
    const waiting = this.#lockedRows.get(row) ?? [];
    this.#lockedRows.delete(row);
    // The first of them may lock it again.
    for (const statement of waiting) this.whenRowIsFree(row, statement);
  }

  loseStandby(forMs: number): void {
    this.#standbyAway = true;
    this.#world.timeline.in(forMs, () => this.standbyIsBack());
  }

  standbyIsBack(): void {
    this.#standbyAway = false;
    const latest = this.#pending.at(-1);
    if (latest !== undefined) this.#replicateTo(latest);
  }

  stepClock(): void {
    this.#clockOffMs = this.#dice.pick([0, 1, -1]) * this.#dice.spread(1, 4_000_000);
  }

  /** Somebody deletes the rows of the shards, and a process makes them again. */
  forgetShards(): void {
    for (const shard of this.#primary.shards.keys()) {
      this.whenRowIsFree(shard, () => {
        this.commit(({ shards }) => {
          shards[shard] = NO_OWNER;
        }, shard);
      });
    }
  }

  /** Somebody ends the waits for the standby. */
  cancelWaits(): void {
    for (const backend of this.backends) backend.cancelWait();
  }

  /** From now on nothing fails. */
  heal(): void {
    this.away = false;
    this.standbyIsBack();
  }

  /** The standby takes over: it has what was answered, and perhaps more. */
  failOver(awayMs: number): void {
    this.#life++;
    this.away = true;
    for (const backend of this.backends) backend.end('failover');
    const arrived = this.#pending.slice(0, this.#dice.whole(0, this.#pending.length));
    for (const { change } of arrived) change(this.#standby);
    this.#pending = [];
    this.#lockedRows.clear();
    this.#primary = this.#standby.copy();
    // It is another host's.
    this.stepClock();
    this.#world.timeline.in(awayMs, () => {
      this.away = false;
    });
  }

  /** A backup is restored. */
  restore(change: Change, awayMs: number): void {
    this.failOver(awayMs);
    for (const tables of [this.#primary, this.#standby]) change(tables);
  }

  #replicateTo(commit: Commit): void {
    const end = this.#pending.indexOf(commit) + 1;
    for (const one of this.#pending.splice(0, end)) {
      one.change(this.#standby);
      this.show(one);
      one.onSafe?.();
    }
  }
}
