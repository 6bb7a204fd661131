// What a payment costs at a steady rate: the CPU of each part under the submission's limits. It is
// how two versions are compared: each in a checkout of its own, in turn, a few times each.

import { usageBetween } from '../tools/compose/usage.ts';
import { quantile } from '../tools/load/open-loop.ts';
import { markdownTable, spread } from './report.ts';
import { Generated } from './sustained/generated.ts';
import type { Stage } from './sustained/stage.ts';
import { openStage } from './sustained/sustained.ts';

const RATES = [150, 300, 550, 1_100, 2_200] as const;
const WINDOW_MS = 12_000;
const WARM_UP = { rate: 550, durationMs: 10_000 } as const;
const CONNECTIONS_MAX = 1_000;

interface Window {
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Per payment, by part; also of the load generator and the processors. */
  readonly cpuUs: ReadonlyMap<string, number>;
  readonly throttledPeriods: number;
}

/** Prints the table. Each round has processes of its own. */
export async function measureSteady(files: readonly string[], rounds: number): Promise<void> {
  const windows = new Map<number, Window[]>(RATES.map((rate) => [rate, []]));
  for (let round = 1; round <= rounds; round++) {
    const stage = await openStage(files);
    try {
      await measure(stage, WARM_UP.rate, WARM_UP.durationMs);
      for (const rate of RATES) {
        const window = await measure(stage, rate, WINDOW_MS);
        windows.get(rate)?.push(window);
        console.error(`round ${round}: ${rowOf(rate, [window]).join(' | ')}`);
      }
    } finally {
      await stage.close();
    }
  }
  console.log(
    markdownTable(
      HEAD,
      [...windows].map(([rate, of]) => rowOf(rate, of)),
    ),
  );
}

async function measure(stage: Stage, rate: number, durationMs: number): Promise<Window> {
  const load = { to: stage.to, rate, durationMs, connectionsMax: CONNECTIONS_MAX };
  const generated = await Generated.prepare({ ...load, slowMs: durationMs }, () => {});
  const [before, processorsBeforeMs] = [await stage.usage(), await stage.processorsCpuMs()];
  generated.start();
  const { record, cpuMs } = await generated.finished;
  const after = await stage.usage();
  const { sent } = record;
  const accepted = record.statuses.filter((status) => status === 202).length;
  if (accepted < sent) throw new Error(`${sent - accepted} of ${sent} payments are not accepted`);
  const used = [...after].map(
    ([part, usage]) => [part, usageBetween(before.get(part) ?? usage, usage)] as const,
  );
  const us = (ms: number): number => (1_000 * ms) / sent;
  const latencies = record.latenciesMs.subarray(0, sent).toSorted();
  return {
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    cpuUs: new Map([
      ...used.map(([part, usage]) => [part, us(usage.cpuMs)] as const),
      ['load generator', us(cpuMs)],
      ['processors', us((await stage.processorsCpuMs()) - processorsBeforeMs)],
    ]),
    throttledPeriods: used.reduce((sum, [, usage]) => sum + usage.throttledPeriods, 0),
  };
}

const HEAD = [
  'payments/s',
  'p50 ms',
  'p99 ms',
  'nginx µs',
  'both instances µs',
  'ratio to nginx',
  'PostgreSQL µs',
  'load generator µs',
  'processors µs',
  'throttled periods',
];

function rowOf(rate: number, windows: readonly Window[]): string[] {
  const of = (...parts: string[]): number[] =>
    windows.map(({ cpuUs }) => parts.reduce((sum, part) => sum + (cpuUs.get(part) ?? 0), 0));
  const [nginx, instances] = [of('nginx'), of('api1', 'api2')];
  return [
    String(rate),
    spread(
      windows.map(({ p50Ms }) => p50Ms),
      2,
    ),
    spread(
      windows.map(({ p99Ms }) => p99Ms),
      2,
    ),
    spread(nginx, 0),
    spread(instances, 0),
    // nginx does the same in each version: what differs in its cost is the machine's hour.
    spread(
      instances.map((us, round) => us / (nginx[round] ?? Number.NaN)),
      2,
    ),
    spread(of('postgres'), 0),
    spread(of('load generator'), 0),
    spread(of('processors'), 0),
    spread(
      windows.map(({ throttledPeriods }) => throttledPeriods),
      0,
    ),
  ];
}
