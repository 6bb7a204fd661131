// A PostgreSQL that archives its log as docker-compose.production.yml has it, with the programs and
// the scripts that docs/PRODUCTION.md names. It is backed up while it runs, lost with its
// directory, and restored to a moment.

import { execFile } from 'node:child_process';
import { chownSync, cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DATABASE_USER, installedPrograms } from '../../tools/system/postgres.ts';
import { asUser } from '../../tools/system/tethered.ts';
import { DatabaseServer, query } from '../world/database.ts';
import { needs } from '../world/needs.ts';
import { makeTempDirectory, removeTempDirectory } from '../world/temp-directory.ts';
import { waitUntil } from '../world/wait-until.ts';

const run = promisify(execFile);

/** For a test's options. */
export const needsPostgres = needs(
  'an installed PostgreSQL (apt-get install postgresql)',
  installedPrograms() !== undefined,
);

export class ArchivedLedger {
  readonly server: DatabaseServer;
  readonly #programs: string;
  /** What another disk would have: the scripts, the archive, and what is backed up. */
  readonly #elsewhere: string;
  #backup = '';

  private constructor(server: DatabaseServer, programs: string, elsewhere: string) {
    this.server = server;
    this.#programs = programs;
    this.#elsewhere = elsewhere;
  }

  static async start(): Promise<ArchivedLedger> {
    const programs = installedPrograms();
    if (programs === undefined) throw new Error('no PostgreSQL is installed');
    const elsewhere = makeTempDirectory();
    cpSync('docker/backup', join(elsewhere, 'scripts'), { recursive: true });
    mkdirSync(join(elsewhere, 'archive'));
    const server = await DatabaseServer.start({ programs });
    const ledger = new ArchivedLedger(server, programs, elsewhere);
    ledger.#give(join(elsewhere, 'archive'));
    const archive = `sh ${ledger.#script('archive')} "%p" "%f" ${ledger.#archive}`;
    const settings = { wal_level: 'replica', archive_mode: 'on', archive_command: archive };
    for (const [name, value] of Object.entries(settings)) {
      await ledger.#query(`ALTER SYSTEM SET ${name} = '${value}'`);
    }
    await server.shutDown();
    await server.restart();
    return ledger;
  }

  /** While the server runs. */
  async backUp(): Promise<void> {
    const words = ['--host=127.0.0.1', `--port=${this.server.port}`, `-U${DATABASE_USER}`];
    const said = await this.#run(this.#script('base'), this.#archive, ...words);
    this.#backup = said.trim();
  }

  /** The server's time: a restore to it has what is committed by now, and nothing later. */
  async moment(): Promise<string> {
    const [row] = await this.#query<{ now: string }>('SELECT clock_timestamp()::text AS now');
    return row?.now as string;
  }

  /** Resolves when what is committed by now is in the archive. */
  async archived(): Promise<void> {
    const [row] = await this.#query<{ file: string }>(
      'SELECT pg_walfile_name(pg_switch_wal()) AS file',
    );
    const file = `${row?.file}.gz`;
    await waitUntil('the log is archived', () => readdirSync(this.#archive).includes(file));
  }

  /** The server and its directory are gone; `log`: its log could still be read, and is archived. */
  async lose({ log }: { readonly log: 'lost' | 'archived' }): Promise<void> {
    const { dataDirectory } = this.server;
    await this.server.kill();
    if (log === 'archived') await this.#archiveRest(join(dataDirectory, 'pg_wal'));
    rmSync(dataDirectory, { recursive: true });
  }

  async #archiveRest(directory: string): Promise<void> {
    const archived = new Set(readdirSync(this.#archive));
    for (const file of readdirSync(directory)) {
      if (!/^[\dA-F]{24}$/.test(file) || archived.has(`${file}.gz`)) continue;
      await this.#run(this.#script('archive'), join(directory, file), file, this.#archive);
    }
  }

  /** From the backup: to a moment, or to the end of the archive. */
  async restore(until = ''): Promise<void> {
    const { dataDirectory } = this.server;
    mkdirSync(dataDirectory, { mode: 0o700 });
    this.#give(dataDirectory);
    await this.#run(this.#script('restore'), this.#backup, dataDirectory, until);
    await this.server.restart();
    await waitUntil('the restore is done', async () => {
      const [row] = await this.#query<{ goes: boolean }>('SELECT pg_is_in_recovery() AS goes');
      return row?.goes === false;
    });
  }

  async close(): Promise<void> {
    await this.server.close();
    removeTempDirectory(this.#elsewhere);
  }

  get #archive(): string {
    return join(this.#elsewhere, 'archive');
  }

  #script(name: string): string {
    return join(this.#elsewhere, 'scripts', `${name}.sh`);
  }

  /** As the user of the server. Resolves with what it printed. */
  async #run(script: string, ...words: readonly string[]): Promise<string> {
    const command = [...asUser(this.server.user), '--', 'sh', script, ...words];
    const PATH = `${this.#programs}:${process.env['PATH']}`;
    const { stdout } = await run('setpriv', command, { env: { ...process.env, PATH }, cwd: '/' });
    return stdout;
  }

  #give(directory: string): void {
    const { user } = this.server;
    if (user !== undefined) chownSync(directory, user.uid, user.gid);
  }

  #query<Row extends Record<string, unknown>>(text: string): Promise<Row[]> {
    return query<Row>(this.server.url('postgres'), text);
  }
}
