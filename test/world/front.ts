// A real nginx with our configuration, on its own port, in front of Unix sockets.

import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { prepareNginx, type Front as FrontSettings } from '../../tools/system/nginx.ts';
import { ended, killGroup, spawnTethered, stop } from '../../tools/system/tethered.ts';
import { Client } from './client.ts';
import { freePort } from './free-port.ts';
import { waitUntil } from './wait-until.ts';

const STOP_GRACE_MS = 5_000;

export class Front {
  readonly url: string;
  readonly #directory: string;
  readonly #command: readonly string[];
  #child: ChildProcess | undefined;

  private constructor(url: string, directory: string, command: readonly string[]) {
    this.url = url;
    this.#directory = directory;
    this.#command = command;
  }

  /** Writes its files to `directory`/nginx. */
  static async start(
    directory: string,
    socketPaths: readonly string[],
    more: Pick<FrontSettings, 'clients' | 'others'> = {},
  ): Promise<Front> {
    const own = join(directory, 'nginx');
    await mkdir(own);
    const listen = `127.0.0.1:${await freePort()}`;
    const command = await prepareNginx(own, { listen, socketPaths, ...more });
    const front = new Front(`http://${listen}`, own, command);
    await front.restart();
    return front;
  }

  async restart(): Promise<void> {
    const log = openSync(this.#logPath, 'a');
    const child = spawnTethered(this.#command, {
      deathSignal: 'SIGTERM',
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.#child = child;
    const client = new Client(this.url);
    // An answer of any kind: the instances behind it may be down.
    await waitUntil('nginx answers', async () => {
      if (child.exitCode !== null) throw new Error(this.log());
      return (await client.send('GET', '/internal')).status === 404;
    });
    client.close();
  }

  /** Its master; the worker is its child. */
  get pid(): number {
    return this.#running().pid as number;
  }

  /** kill -9 of the master and its worker. */
  async kill(): Promise<void> {
    const child = this.#running();
    killGroup(child);
    await ended(child);
  }

  log(): string {
    return readFileSync(this.#logPath, 'utf8');
  }

  async close(): Promise<void> {
    await stop(this.#running(), 'SIGTERM', STOP_GRACE_MS);
  }

  get #logPath(): string {
    return join(this.#directory, 'log');
  }

  #running(): ChildProcess {
    if (!this.#child) throw new Error('nginx was never started');
    return this.#child;
  }
}
