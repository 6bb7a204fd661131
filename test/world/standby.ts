// A standby of a test's PostgreSQL, which confirms each commit of the primary.

import { chownSync, cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import pg from 'pg';
import { DATABASE_USER, prepareServer } from '../../tools/system/postgres.ts';
import { ended, spawnTethered } from '../../tools/system/tethered.ts';
import { query, type DatabaseServer } from './database.ts';
import { freePort } from './free-port.ts';
import { makeTempDirectory, removeTempDirectory } from './temp-directory.ts';
import { waitUntil } from './wait-until.ts';

export class Standby {
  readonly port: number;
  readonly #directory: string;
  readonly #child: ChildProcess;

  private constructor(port: number, directory: string, child: ChildProcess) {
    this.port = port;
    this.#directory = directory;
    this.#child = child;
  }

  /** Copies the primary and follows it. Resolves when commits wait for it. */
  static async of(primary: DatabaseServer): Promise<Standby> {
    const directory = makeTempDirectory();
    const dataDirectory = join(directory, 'cluster');
    await copyServer(primary, dataDirectory);
    const port = await freePort();
    const { command, user } = await prepareServer({
      dataDirectory,
      socketDirectory: join(directory, 'socket'),
      tcpPort: port,
      durable: true,
    });
    const address = `host=127.0.0.1 port=${primary.port} user=${DATABASE_USER}`;
    const words = ['-c', `primary_conninfo=${address} application_name=standby`];
    const child = spawnTethered([...command, ...words], {
      deathSignal: 'SIGQUIT',
      stdio: ['ignore', 'ignore', 'ignore'],
      user,
    });
    const url = primary.url('postgres');
    await query(url, `ALTER SYSTEM SET synchronous_standby_names = 'standby'`);
    await query(url, 'SELECT pg_reload_conf()');
    await waitUntil('the standby confirms commits', async () => {
      const rows = await query(url, `SELECT FROM pg_stat_replication WHERE sync_state = 'sync'`);
      return rows.length === 1;
    });
    return new Standby(port, directory, child);
  }

  /** Its process; the other processes of the server are its children. */
  get pid(): number {
    return this.#child.pid as number;
  }

  async close(): Promise<void> {
    this.#child.kill('SIGQUIT');
    await ended(this.#child);
    removeTempDirectory(this.#directory);
  }
}

/** A copy of the files while the server runs, as PostgreSQL's low-level backup allows. */
async function copyServer(primary: DatabaseServer, to: string): Promise<void> {
  const client = new pg.Client({ connectionString: primary.url('postgres') });
  await client.connect();
  try {
    const { rows } = await client.query<{ data_directory: string }>('SHOW data_directory');
    const [from] = rows;
    await client.query(`SELECT pg_backup_start('standby', true)`);
    cpSync(from?.data_directory as string, to, { recursive: true, preserveTimestamps: true });
    const stopped = await client.query<{ labelfile: string }>('SELECT * FROM pg_backup_stop()');
    rmSync(join(to, 'postmaster.pid'), { force: true });
    writeFileSync(join(to, 'backup_label'), stopped.rows[0]?.labelfile as string);
    writeFileSync(join(to, 'standby.signal'), '');
  } finally {
    await client.end();
  }
  giveTo(to, primary);
}

function giveTo(directory: string, { user }: DatabaseServer): void {
  if (user === undefined) return;
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  for (const file of ['', ...files]) chownSync(join(directory, file), user.uid, user.gid);
}
