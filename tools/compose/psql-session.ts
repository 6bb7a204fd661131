// psql as a process that stays: a question costs the database one query, and no new connection.

import { createInterface } from 'node:readline';
import type { ChildProcess } from 'node:child_process';
import { spawnTethered, stop } from '../system/tethered.ts';

const GRACE_MS = 5_000;
const END = 'end-of-the-answer';

export class PsqlSession {
  readonly #child: ChildProcess;
  #rows: string[] = [];
  #answered: ((rows: string[]) => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  /** `command`: psql with its options, and whatever leads to it. */
  constructor(command: readonly string[]) {
    const form = ['--no-align', '--tuples-only', '--field-separator= ', '--quiet', '--no-psqlrc'];
    const words = [...command, ...form, '--set=ON_ERROR_STOP=1'];
    this.#child = spawnTethered(words, {
      deathSignal: 'SIGTERM',
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      if (line === END) this.#answered?.(this.#rows);
      else if (line !== '') this.#rows.push(line);
    });
    this.#child.once('error', (error) => this.#failed?.(error));
    this.#child.once('close', () => this.#failed?.(new Error('psql ended')));
    this.#child.stdin?.on('error', () => {});
  }

  /** The rows, with a space between the columns. One question at a time. Rejects if psql ends. */
  ask(sql: string): Promise<readonly string[]> {
    this.#rows = [];
    return new Promise((resolve, reject) => {
      this.#answered = resolve;
      this.#failed = reject;
      this.#child.stdin?.write(`${sql};\n\\echo ${END}\n`);
    });
  }

  async close(): Promise<void> {
    this.#child.stdin?.end();
    await stop(this.#child, 'SIGTERM', GRACE_MS);
  }
}
