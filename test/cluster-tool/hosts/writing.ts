// Starts the writer on a host, and knows which of its commits were acknowledged.

import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Cluster } from '../../../tools/cluster/cluster.ts';
import { ended, killGroup, spawnTethered } from '../../../tools/system/tethered.ts';
import { query } from '../../world/database.ts';
import { waitUntil } from '../../world/wait-until.ts';
import type { Acknowledged } from './writer.ts';

const SCRIPT = fileURLToPath(new URL('writer.js', import.meta.url));

export class Writing {
  readonly acknowledged: Acknowledged[] = [];
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      this.acknowledged.push(JSON.parse(line) as Acknowledged);
    });
  }

  /** On this host, through its HAProxy, into an empty table. Resolves when it writes. */
  static async start(cluster: Cluster, host: number): Promise<Writing> {
    const primary = (await cluster.primary()) as number;
    const table = 'DROP TABLE IF EXISTS numbers; CREATE TABLE numbers (number int PRIMARY KEY)';
    await query(cluster.databaseUrl(primary), table);
    const child = spawnTethered([process.execPath, SCRIPT], {
      deathSignal: 'SIGKILL',
      stdio: ['ignore', 'pipe', 'inherit'],
      namespace: cluster.namespace(host),
      environment: { DATABASE_URL: cluster.localDatabaseUrl },
    });
    const writing = new Writing(child);
    await writing.goesOn();
    return writing;
  }

  /** Resolves when ten more commits were acknowledged. */
  async goesOn(withinMs = 60_000): Promise<void> {
    const wanted = this.acknowledged.length + 10;
    await waitUntil('commits are acknowledged', () => this.acknowledged.length >= wanted, {
      withinMs,
    });
  }

  /** The longest time between two acknowledgements. */
  get longestPauseMs(): number {
    const times = this.acknowledged.map(({ afterMs }) => afterMs);
    return Math.max(...times.slice(1).map((time, index) => time - (times[index] as number)));
  }

  async stop(): Promise<void> {
    killGroup(this.#child);
    await ended(this.#child);
  }

  /** The acknowledged numbers that the database lacks. */
  async lost(databaseUrl: string): Promise<readonly number[]> {
    // It goes on writing while the rows are read.
    const until = this.acknowledged.map(({ number }) => number);
    const rows = await query<{ number: number }>(databaseUrl, 'SELECT number FROM numbers');
    const there = new Set(rows.map(({ number }) => number));
    return until.filter((number) => !there.has(number));
  }
}
