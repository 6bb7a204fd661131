// A session at the simulated database: it has locks, runs one statement at a time, and ends when
// somebody ends it, when the database fails over, or when its client is gone and it is idle.

import type { Change, Commit, SimulatedDatabase } from './simulated-database.ts';
import { meaningOf } from './simulated-statements.ts';
import type { World } from './world.ts';

type Row = Readonly<Record<string, unknown>>;

export interface Result {
  readonly rows: readonly Row[];
  readonly warning?: string;
}

export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** The process that the session is with. */
interface Client {
  readonly process: unknown;
  onEnd(why: string): void;
  onNews(): void;
}

interface Changed {
  readonly rows: readonly Row[];
  readonly row?: number;
}

interface Waiting {
  readonly commit: Commit;
  readonly answer: (result: Result) => void;
}

const CANCELLED = 'canceling wait for synchronous replication due to user request';

export class Backend {
  alive = true;
  /** synchronous_commit=local */
  isLocal = false;
  listens = false;
  /** The shards whose lock it has. */
  readonly locks = new Set<number>();
  readonly database: SimulatedDatabase;
  readonly startedAtMs: number;
  readonly #world: World;
  readonly client: Client;
  #waiting: Waiting | undefined;
  #isBusy = false;
  #isAbandoned = false;
  #isContested = false;

  constructor(world: World, database: SimulatedDatabase, client: Client) {
    this.#world = world;
    this.database = database;
    this.startedAtMs = database.nowMs;
    this.client = client;
    database.backends.add(this);
  }

  /** `answer` is called once, or never if the session ends before. */
  run(statement: Statement, answer: (result: Result) => void): void {
    if (!this.alive) return;
    const { weather } = this.#world;
    if (weather.strikes('sessionBreaksBefore')) return this.end('broken');
    this.#isBusy = true;
    const breaks = weather.strikes('sessionBreaksAfter');
    meaningOf(statement.text)(this, statement, (result) => {
      if (!this.alive) return;
      this.#isBusy = false;
      if (breaks) return this.end('broken');
      answer(result);
      if (this.#isAbandoned) this.end('its client is gone');
    });
    if (breaks && this.alive && this.#waiting !== undefined) this.end('broken');
  }

  /** As synchronous_commit says; `row` is the shard whose row is changed. */
  commit(change: Change, { rows, row }: Changed, answer: (result: Result) => void): void {
    if (this.isLocal) {
      this.database.commit(change, row);
      return answer({ rows });
    }
    const commit = this.database.commit(change, row, () => {
      this.#waiting = undefined;
      answer({ rows });
    });
    this.#waiting = { commit, answer: (result) => answer({ ...result, rows }) };
    if (this.#world.weather.strikes('waitCancelled')) this.cancelWait();
  }

  /** NOTIFY */
  notify(): void {
    for (const other of this.database.backends) if (other.listens) other.client.onNews();
  }

  end(why: string): void {
    if (!this.alive) return;
    this.alive = false;
    this.database.backends.delete(this);
    this.locks.clear();
    const waiting = this.#waiting;
    if (waiting !== undefined) {
      // It is committed, and nobody hears of it.
      waiting.commit.onSafe = undefined;
      if (why !== 'failover') this.database.show(waiting.commit);
    }
    this.client.onEnd(why);
  }

  /** Its client is gone: it notices when it has nothing to do. */
  abandon(): void {
    this.#isAbandoned = true;
    if (!this.#isBusy) this.end('its client is gone');
  }

  /** Another session wants the lock on the shard: of another process, some time after this one. */
  contest(other: Backend, shard: number): void {
    const isYoung = this.database.nowMs - this.startedAtMs < 2_000;
    if (isYoung || this.#isContested || other.client.process === this.client.process) return;
    this.#isContested = true;
    this.database.onContest(shard);
  }

  /** The commit is not at the standby, and is answered with a warning. */
  cancelWait(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    waiting.commit.onSafe = undefined;
    this.database.show(waiting.commit);
    waiting.answer({ rows: [], warning: CANCELLED });
  }
}
