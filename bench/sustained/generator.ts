// A load in a process of its own: its CPU is counted apart, and nothing else delays it. It ends
// with the benchmark.

import {
  LoadGenerator,
  type LoadRecord,
  type PreparedLoad,
} from '../../tools/load/prepared-load.ts';
import type { Progress } from '../../tools/load/prepared-load.ts';

export type Load = Omit<PreparedLoad, 'stop'>;
export type ToGenerator =
  | { readonly kind: 'prepare'; readonly load: Load }
  | { readonly kind: 'start' | 'stop' };

export interface Report extends Progress {
  readonly kind: 'progress';
  /** Since the epoch. */
  readonly atMs: number;
}

export interface Finished {
  readonly kind: 'finished';
  readonly record: LoadRecord;
  /** From the start to the last answer, requests and answers alike. */
  readonly cpuMs: number;
}

export type FromGenerator = { readonly kind: 'ready' } | Report | Finished;

const REPORT_MS = 200;

const stop = new AbortController();
let generator: LoadGenerator | undefined;
const tell = (message: FromGenerator): boolean => process.send?.(message) ?? false;

async function run(): Promise<void> {
  const started = process.cpuUsage();
  const reports = setInterval(() => {
    if (generator) tell({ kind: 'progress', atMs: Date.now(), ...generator.progress });
  }, REPORT_MS);
  const record = await generator?.run();
  clearInterval(reports);
  const { user, system } = process.cpuUsage(started);
  if (record) tell({ kind: 'finished', record, cpuMs: (user + system) / 1_000 });
}

process.on('disconnect', () => process.exit());
process.on('message', (message: ToGenerator) => {
  switch (message.kind) {
    case 'prepare':
      generator = new LoadGenerator({ ...message.load, stop: stop.signal });
      tell({ kind: 'ready' });
      return;
    case 'start':
      run().catch((error: unknown) => {
        console.error(error);
        process.exit(1);
      });
      return;
    case 'stop':
      stop.abort();
  }
});
