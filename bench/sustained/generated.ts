// Runs the load generator's process, and watches it.

import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Finished, FromGenerator, Load, Report, ToGenerator } from './generator.ts';

const PROGRAM = fileURLToPath(new URL('./generator.js', import.meta.url));

export class Generated {
  /** Resolves when every payment is answered, or given up. Rejects when the process ends early. */
  readonly finished: Promise<Finished>;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, onReport: (report: Report) => void) {
    this.#child = child;
    this.finished = new Promise((resolve, reject) => {
      child.on('message', (message: FromGenerator) => {
        if (message.kind === 'progress') onReport(message);
        if (message.kind !== 'finished') return;
        resolve(message);
        child.disconnect();
      });
      child.on('exit', (code, signal) => {
        reject(new Error(`the load generator ended early: ${signal ?? code}`));
      });
    });
    this.finished.catch(() => {});
  }

  /** Resolves when the requests are made; nothing is sent yet. */
  static async prepare(load: Load, onReport: (report: Report) => void): Promise<Generated> {
    const child = fork(PROGRAM, { serialization: 'advanced', stdio: 'inherit' });
    const generated = new Generated(child, onReport);
    const ready = new Promise<void>((resolve) => {
      child.on('message', (message: FromGenerator) => {
        if (message.kind === 'ready') resolve();
      });
    });
    generated.#tell({ kind: 'prepare', load });
    await Promise.race([ready, generated.finished]);
    return generated;
  }

  start(): void {
    this.#tell({ kind: 'start' });
  }

  /** No further payment leaves; `finished` resolves as usual. */
  stop(): void {
    if (this.#child.connected) this.#tell({ kind: 'stop' });
  }

  #tell(message: ToGenerator): void {
    this.#child.send(message);
  }
}
