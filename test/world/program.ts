// One of our programs as a child process: its lines are kept, it can be killed and restarted, and
// it dies with the test.

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ended, hasEnded, spawnTethered } from '../../tools/system/tethered.ts';

export class Program {
  /** Every line on stdout, of all runs. */
  readonly lines: string[] = [];
  /** Every line on stderr, of all runs. */
  readonly errors: string[] = [];
  readonly #command: readonly string[];
  #child: ChildProcess | undefined;
  /** Resolves when both streams have ended, and all their lines are in `lines` and `errors`. */
  #printed: Promise<unknown> = Promise.resolve();

  /** `script` is compiled JavaScript. */
  constructor(script: URL, words: readonly string[] = []) {
    const flags = ['--enable-source-maps'];
    this.#command = [process.execPath, ...flags, fileURLToPath(script), ...words];
  }

  get pid(): number {
    return this.#started().pid as number;
  }

  get running(): boolean {
    return this.#child !== undefined && !hasEnded(this.#child);
  }

  start(environment: Readonly<Record<string, string>> = {}): void {
    if (this.running) throw new Error('it is running already');
    const child = spawnTethered(this.#command, {
      deathSignal: 'SIGKILL',
      stdio: ['ignore', 'pipe', 'pipe'],
      environment,
    });
    this.#printed = Promise.all([
      collect(child.stdout, this.lines),
      collect(child.stderr, this.errors),
    ]);
    this.#child = child;
  }

  /** Sends a signal and goes on: SIGSTOP, SIGCONT. */
  signal(name: NodeJS.Signals): void {
    this.#started().kill(name);
  }

  /** Sends a signal that ends it; resolves with the exit code, or the signal that ended it. */
  async kill(name: NodeJS.Signals = 'SIGKILL'): Promise<number | NodeJS.Signals> {
    this.signal(name);
    return this.ended();
  }

  /**
   * Resolves with the exit code, or the signal's name, once the program has ended and all its lines
   * are in `lines` and `errors`.
   */
  async ended(): Promise<number | NodeJS.Signals> {
    const how = await ended(this.#started());
    await this.#printed;
    return how;
  }

  /** What it said last, for messages. */
  lastWords(): string {
    return [...this.lines.slice(-10), ...this.errors.slice(-10)].join('\n');
  }

  #started(): ChildProcess {
    if (!this.#child) throw new Error('it was never started');
    return this.#child;
  }
}

/** Resolves at the end of the stream. */
async function collect(stream: NodeJS.ReadableStream | null, lines: string[]): Promise<void> {
  if (stream === null) return;
  const reader = createInterface({ input: stream }).on('line', (line) => lines.push(line));
  await once(reader, 'close');
}
