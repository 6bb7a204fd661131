// The submission under its limits, on this machine, with simulated processors and an open-loop load. Needs Docker.
//
//   npm run bench:limits -- drain [rounds, 5]    p99 of intake while 10,000 payments are drained, next to calm (twice: the noise)
//   npm run bench:limits -- burst [rounds, 3]    5,000 payments/s for 10 s, then the books
//   npm run bench:limits -- most [rate, 500]     more and more payments/s, until p99 is 10 ms or some are refused, and who was throttled
//
// The path of a compose file that changes the submission, from the project's root, may follow at the end.

import { sleep, systemClock } from '../src/clock.ts';
import * as composition from '../tools/compose/composition.ts';
import { usageBetween } from '../tools/compose/usage.ts';
import { Endpoints } from '../tools/k6/endpoints.ts';
import { sumOf } from '../tools/k6/totals.ts';
import { openLoop, quantile, type LoadResult } from './open-loop.ts';
import { markdownTable, spread } from './report.ts';

const BACKEND = 'http://127.0.0.1:9999';
const PROCESSORS = ['http://127.0.0.1:8001', 'http://127.0.0.1:8002'] as const;
const PORT = 9999;
const CALM_RATE = 300;
const WINDOW_MS = 8_000;
const BACKLOG = { rate: 1_000, durationMs: 10_000 } as const;
const BURST = { rate: 5_000, durationMs: 10_000 } as const;
const START_MS_MAX = 60_000;
const DRAIN_MS_MAX = 180_000;
const P99_MS_MAX = 10;
const STEP = 1.2;

const clock = systemClock;
const endpoints = new Endpoints({ backend: BACKEND, processors: PROCESSORS }, '123');
let accepted = 0;
let unknown = 0;

async function load(rate: number, durationMs: number): Promise<LoadResult> {
  const to = { host: await composition.addressOf('nginx'), port: PORT };
  const result = await openLoop({ to, rate, durationMs });
  accepted += result.statuses.get(202) ?? 0;
  unknown += result.statuses.get(0) ?? 0;
  return result;
}

async function until(what: string, withinMs: number, holds: () => Promise<boolean>): Promise<void> {
  const endMs = clock.elapsed() + withinMs;
  while (!(await holds())) {
    if (clock.elapsed() > endMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(clock, 200);
  }
}

const charged = async (): Promise<number> => {
  const { processors } = await endpoints.standing();
  return processors === null ? 0 : sumOf(processors).requests;
};

/** Resolves when all that was accepted is charged, and recorded as charged. */
async function settled(): Promise<void> {
  await until('all is settled', DRAIN_MS_MAX, async () => {
    const { backend, processors } = await endpoints.standing();
    if (backend === null || processors === null) return false;
    const [recorded, held] = [sumOf(backend), sumOf(processors)];
    const isAll = held.requests >= accepted && held.requests <= accepted + unknown;
    return isAll && recorded.requests === held.requests && recorded.cents === held.cents;
  });
}

const p99 = ({ latenciesMs }: LoadResult): number => quantile(latenciesMs, 0.99);

async function drain(rounds: number): Promise<void> {
  const calm: number[] = [];
  const again: number[] = [];
  const draining: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    await load(CALM_RATE, WINDOW_MS / 2);
    calm.push(p99(await load(CALM_RATE, WINDOW_MS)));
    again.push(p99(await load(CALM_RATE, WINDOW_MS)));
    await endpoints.setLevers({ delayMs: 0, failing: true });
    await load(BACKLOG.rate, BACKLOG.durationMs);
    await endpoints.setLevers({ delayMs: 0, failing: false });
    const backlog = accepted - (await charged());
    draining.push(p99(await load(CALM_RATE, WINDOW_MS)));
    const left = accepted - (await charged());
    await settled();
    const figures = [calm, again, draining].map((of) => of.at(-1)?.toFixed(2)).join(', ');
    console.error(`round ${round}: p99 ${figures} ms; ${backlog} to drain, ${left} left`);
  }
  const row = (name: string, of: readonly number[]): string[] => {
    const ratios = of.map((value, round) => value / (calm[round] ?? Number.NaN));
    return [name, spread(of, 2), spread(ratios, 2)];
  };
  const rows = [row('calm', calm), row('calm again', again), row('drain', draining)];
  console.log(markdownTable([`intake of ${CALM_RATE}/s`, 'p99 ms', 'ratio to calm'], rows));
}

async function burst(rounds: number): Promise<void> {
  const rows: string[][] = [];
  for (let round = 1; round <= rounds; round++) {
    const { statuses, latenciesMs, bareRefusals } = await load(BURST.rate, BURST.durationMs);
    const startedMs = clock.elapsed();
    await settled();
    const answers = [...statuses].map(([status, count]) => `${count} × ${status}`).join(', ');
    const tookS = ((clock.elapsed() - startedMs) / 1_000).toFixed(0);
    const at = (share: number): string => quantile(latenciesMs, share).toFixed(0);
    rows.push([answers, String(bareRefusals), `${at(0.5)} / ${at(0.99)}`, tookS]);
  }
  const head = ['answers', '503 without Retry-After', 'p50 / p99 ms', 'all settled after s'];
  console.log(markdownTable(head, rows));
}

async function most(firstRate: number): Promise<void> {
  const rows: string[][] = [];
  await load(CALM_RATE, WINDOW_MS);
  for (let rate = firstRate; ; rate = Math.round(rate * STEP)) {
    const before = await composition.usageByService();
    const result = await load(rate, WINDOW_MS);
    const after = await composition.usageByService();
    const left = accepted - (await charged());
    const used = [...after].map(([service, now]) => {
      const { cpuMs, throttledPeriods, periods } = usageBetween(before.get(service) ?? now, now);
      return `${service} ${((100 * cpuMs) / WINDOW_MS).toFixed(0)} %, ${throttledPeriods} of ${periods}`;
    });
    const refused = result.latenciesMs.length - (result.statuses.get(202) ?? 0);
    const figures = [rate, p99(result).toFixed(1), refused, left].map(String);
    rows.push([...figures, used.join('; ')]);
    console.error(rows.at(-1)?.join(' | '));
    await settled();
    if (p99(result) >= P99_MS_MAX || refused > 0) break;
  }
  const head = ['payments/s', 'p99 ms', 'not 202', 'left to charge', 'CPU, throttled periods'];
  console.log(markdownTable(head, rows));
}

const words = process.argv.slice(2);
const files = words.filter((word) => word.endsWith('.yml'));
const [what, figure] = words.filter((word) => !files.includes(word));
const RUNS: Readonly<Record<string, () => Promise<void>>> = {
  drain: () => drain(Number(figure ?? 5)),
  burst: () => burst(Number(figure ?? 3)),
  most: () => most(Number(figure ?? 500)),
};
const run = RUNS[what ?? ''];
if (run === undefined) throw new Error(`must be one of ${Object.keys(RUNS).join(', ')}`);
await composition.buildImages(process.env['DOCKER_BUILD_FLAGS']?.split(' ').filter(Boolean) ?? []);
await composition.down();
composition.arrange({ files, environment: {} });
await composition.up();
try {
  const isReady = async (): Promise<boolean> => (await endpoints.backendSummary()).status === 200;
  await until('the backend answers', START_MS_MAX, isReady);
  await run();
} finally {
  await composition.down();
}
