// A real PostgreSQL for one test file, on its own port, that can be killed and restarted. Each test
// makes its own database. The server dies with the test process, however that ends.

import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { lastWords } from '../../tools/system/last-words.ts';
import { DATABASE_USER, prepareServer, type PreparedServer } from '../../tools/system/postgres.ts';
import { familyOf, isGone, stateOf } from '../../tools/system/processes.ts';
import { ended, hasEnded, spawnTethered, stop, type User } from '../../tools/system/tethered.ts';
import { freePort } from './free-port.ts';
import { makeTempDirectory, removeTempDirectory } from './temp-directory.ts';
import { waitUntil } from './wait-until.ts';

const STOP_GRACE_MS = 20_000;

interface ServerOptions {
  readonly durable?: boolean;
  readonly programs?: string;
}

export class DatabaseServer {
  readonly port: number;
  readonly #directory: string;
  readonly #prepared: PreparedServer;
  #child: ChildProcess | undefined;
  #databases = 0;

  private constructor(port: number, directory: string, prepared: PreparedServer) {
    this.port = port;
    this.#directory = directory;
    this.#prepared = prepared;
  }

  /**
   * `durable`: what is committed survives a power failure, as LEDGER_DURABILITY=require needs.
   * `programs`: the directory of PostgreSQL's programs, if they are not the embedded ones.
   */
  static async start({ durable = false, programs }: ServerOptions = {}): Promise<DatabaseServer> {
    const directory = makeTempDirectory();
    const port = await freePort();
    const prepared = await prepareServer({
      dataDirectory: join(directory, 'cluster'),
      socketDirectory: join(directory, 'socket'),
      tcpPort: port,
      durable,
      programs,
    });
    const server = new DatabaseServer(port, directory, prepared);
    await server.restart();
    return server;
  }

  /** An empty database; its URL. */
  async createDatabase(): Promise<string> {
    const name = `test_${++this.#databases}`;
    await query(this.url('postgres'), `CREATE DATABASE ${name}`);
    return this.url(name);
  }

  /** The same database at another port, a gap proxy's for one. */
  url(database: string, port = this.port): string {
    return `postgres://${DATABASE_USER}@127.0.0.1:${port}/${database}`;
  }

  get dataDirectory(): string {
    return join(this.#directory, 'cluster');
  }

  /** Whom the server runs as, where that isn't who we are. */
  get user(): User | undefined {
    return this.#prepared.user;
  }

  /** Its process; the other processes of the server are its children. */
  get pid(): number {
    return this.#running().pid as number;
  }

  /** kill -9 of the whole server at once. Resolves when all its processes are gone. */
  async kill(): Promise<void> {
    const server = this.pid;
    // While it stands still it begins no process that this would miss.
    send(server, 'SIGSTOP');
    await waitUntil('the server stands still', () => stateOf(server) === 'T');
    const family = familyOf(server);
    for (const pid of family) send(pid, 'SIGKILL');
    await ended(this.#running());
    // One that still has the shared memory would keep the server from starting again.
    await waitUntil('all of the server is gone', () => family.every(isGone), { withinMs: 30_000 });
  }

  /** Signals every process of the server and goes on: SIGSTOP, SIGCONT. */
  signal(name: NodeJS.Signals): void {
    // Its processes have process groups of their own.
    for (const pid of familyOf(this.pid)) send(pid, name);
  }

  /**
   * Starts the server again (or first), and waits until it answers. One that ends is started once
   * more, as `npm start` does: what keeps it from starting may pass, such as a port that is taken.
   */
  async restart(): Promise<void> {
    const answers = (): Promise<unknown> => {
      if (!this.#child || hasEnded(this.#child)) this.#launch();
      return query(this.url('postgres'), 'SELECT 1');
    };
    await waitUntil('PostgreSQL answers', answers, { withinMs: 30_000, everyMs: 50 }).catch(
      async (error: Error) => {
        throw new Error(`${error.message}; its log ends with: ${lastWords(await this.log())}`);
      },
    );
  }

  #launch(): void {
    const log = openSync(this.#logPath, 'a');
    this.#child = spawnTethered(this.#prepared.command, {
      deathSignal: 'SIGQUIT',
      stdio: ['ignore', log, log],
      user: this.#prepared.user,
    });
    closeSync(log);
  }

  /** Starts the server, which was shut down, as a standby of nobody: it takes no writes. */
  async restartAsStandby(): Promise<void> {
    writeFileSync(join(this.dataDirectory, 'standby.signal'), '');
    await this.restart();
  }

  /** Makes a standby take writes. */
  async promote(): Promise<void> {
    await query(this.url('postgres'), 'SELECT pg_promote()');
  }

  /** Ends the server in good order and leaves it stopped. */
  async shutDown(): Promise<void> {
    await stop(this.#running(), 'SIGINT', STOP_GRACE_MS);
  }

  /** What the server wrote. */
  log(): Promise<string> {
    return readFile(this.#logPath, 'utf8');
  }

  async close(): Promise<void> {
    await stop(this.#running(), 'SIGQUIT', STOP_GRACE_MS);
    removeTempDirectory(this.#directory);
  }

  get #logPath(): string {
    return join(this.#directory, 'postgres.log');
  }

  #running(): ChildProcess {
    if (!this.#child) throw new Error('the database was never started');
    return this.#child;
  }
}

function send(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It left by itself.
  }
}

const DEADLOCK = '40P01';

/**
 * Runs one statement on a connection of its own; its rows. If it needs a table while an instance
 * makes partitions of it, PostgreSQL may have to refuse one of the two: then it is run again.
 */
export async function query<Row extends pg.QueryResultRow>(
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    return await untilDeadlockFree(async () => (await client.query<Row>(text, [...values])).rows);
  } finally {
    await client.end();
  }
}

/** Runs it again as long as PostgreSQL refuses it as the victim of a deadlock. */
export async function untilDeadlockFree<T>(run: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if ((error as pg.DatabaseError).code !== DEADLOCK) throw error;
    }
  }
}
