// The latency of one client's payments while another client keeps connections open on which no
// request becomes whole, through nginx with the limits of docker/nginx.production.conf.

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Front } from '../test/world/front.ts';
import { makeTempDirectory } from '../test/world/temp-directory.ts';
import { openWorld } from '../test/world/world.ts';
import { readCommandLine } from '../tools/command-line.ts';
import { openLoop, quantile } from '../tools/load/open-loop.ts';
import { believing, PRODUCTION_CLIENTS } from '../tools/system/nginx.ts';
import { EDGE } from './benchmarks.ts';
import type { Held } from './hold-open.ts';
import { markdownTable, measureInTurn, spread } from './report.ts';

const { connections, rate, seconds, rounds } = readCommandLine({
  ...EDGE,
  words: {
    connections: { about: 'connections that stay open', preset: 1_000, least: 1 },
    rate: { about: "the other client's payments per second", preset: 300, least: 1 },
    seconds: { about: 'how long each arm is measured', preset: 15, least: 1 },
    rounds: { about: 'rounds', preset: 5, least: 1 },
  },
});
const SETTLE_MS = 1_000;
/** The proxy that nginx trusts names the other client, so the two have their own limits. */
const HEAD = 'POST /payments HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.66\r\n';

const ARMS: Readonly<Record<string, string | undefined>> = {
  none: undefined,
  'nothing sent': '',
  'half a head': HEAD,
  'half a body': `${HEAD}Content-Length: 90\r\n\r\n{"correlationId":`,
  'none again': undefined,
};

interface Measured {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly refused: number;
}

async function holdOpen(start: string): Promise<Worker> {
  const workerData: Held = { port: to.port, connections, start };
  const worker = new Worker(new URL('./hold-open.js', import.meta.url), {
    workerData,
    stdout: true,
  });
  await once(worker.stdout, 'data');
  return worker;
}

async function measure(start: string | undefined): Promise<Measured> {
  const held = start === undefined ? undefined : await holdOpen(start);
  await openLoop({ to, rate, durationMs: SETTLE_MS });
  const { latenciesMs, statuses } = await openLoop({ to, rate, durationMs: seconds * 1_000 });
  await held?.terminate();
  const p50Ms = quantile(latenciesMs, 0.5);
  const p99Ms = quantile(latenciesMs, 0.99);
  const answers = [...statuses.values()].reduce((sum, count) => sum + count, 0);
  return { p50Ms, p99Ms, refused: answers - (statuses.get(202) ?? 0) };
}

await using world = await openWorld({ front: false });
const sockets = world.instances.map(({ socketPath }) => socketPath);
const clients = { ...PRODUCTION_CLIENTS, addressLines: believing(['127.0.0.1']) };
const front = await Front.start(makeTempDirectory(), sockets, { clients });
const to = { host: '127.0.0.1', port: Number(new URL(front.url).port) };
await openLoop({ to, rate, durationMs: 5 * SETTLE_MS });
const measured = await measureInTurn(ARMS, rounds, measure);
await front.close();

const baseline = measured.get('none') ?? [];
const row = ([arm, of]: readonly [string, readonly Measured[]]): string[] => {
  const all = (figure: keyof Measured): number[] => of.map((result) => result[figure]);
  const ratios = all('p99Ms').map((ms, n) => ms / (baseline[n]?.p99Ms ?? Number.NaN));
  const figures = [spread(all('p50Ms'), 2), spread(all('p99Ms'), 2), spread(ratios, 2)];
  return [arm, ...figures, spread(all('refused'), 0)];
};
console.log(`${connections} connections, ${rate} payments/s for ${seconds} s, ${rounds} rounds\n`);
const columns = ['kept open', 'p50 ms', 'p99 ms', 'ratio of p99 to none', 'not 202'];
console.log(markdownTable(columns, [...measured].map(row)));
