// The latency of POST /payments around a kill -9 and a restart of an instance, with millions of
// settled payments in the ledger: with the file of settled ids, and without it. Without nginx and
// another instance, which would answer for it meanwhile.

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '../test/world/client.ts';
import { query } from '../test/world/database.ts';
import { makeTempDirectory, removeTempDirectory } from '../test/world/temp-directory.ts';
import { waitUntil } from '../test/world/wait-until.ts';
import { openWorld, type World } from '../test/world/world.ts';
import { readCommandLine } from '../tools/command-line.ts';
import { openLoop, quantile } from '../tools/load/open-loop.ts';
import { RESTART } from './benchmarks.ts';
import { markdownTable, measureInTurn, spread } from './report.ts';
import { plotOf } from './restart-plot.ts';

const { ids, rate, rounds, before, after, plot } = readCommandLine({
  ...RESTART,
  words: {
    ids: { about: 'settled payments in the ledger', preset: 10_000_000, least: 1 },
    rate: { about: 'payments per second', preset: 300, least: 1 },
    rounds: { about: 'rounds', preset: 3, least: 1 },
  },
  options: {
    before: { about: 'seconds before the kill', preset: 20, least: 1 },
    after: { about: 'seconds after it', preset: 60, least: 1 },
    plot: { about: 'file of the plot', preset: 'restart.svg' },
  },
});
const FILL_MS = 3_600_000;
const MONTH_S = 30 * 24 * 3_600;
const SETTLE_MS = 5_000;
/** Its restart, and what it does at once. */
const FIRST_MS = 2_000;

const ARMS: Readonly<Record<string, boolean>> = { 'with the file': false, 'without it': true };
const COLOURS = ['#1a7f37', '#cf222e'];

/** Rows as a month leaves them. Their sums are missing: nobody asks for a summary here. */
async function fill(world: World): Promise<void> {
  const run = (text: string): Promise<unknown> => query(world.databaseUrl, text);
  const stepS = MONTH_S / ids;
  // The index is made at the end: that takes a fifth of the time.
  await run('ALTER TABLE payments DROP CONSTRAINT payments_pkey');
  await run(`INSERT INTO payments
    SELECT gen_random_uuid(), n % 2, 1990, now() - interval '31 days' + n * interval '${stepS} s'
    FROM generate_series(1, ${ids}) AS n`);
  await run('ALTER TABLE payments ADD PRIMARY KEY (correlation_id)');
  await run('VACUUM (ANALYZE) payments');
}

/** Resolves when the instance's Bloom filter is complete. */
async function complete(): Promise<void> {
  const admin = new Client(adminPath);
  const isComplete = async (): Promise<boolean> =>
    /^repasse_bloom_filter_complete 1$/m.test((await admin.send('GET', '/metrics')).body);
  const options = { withinMs: FILL_MS };
  await waitUntil('it knows the ids', () => isComplete().catch(() => false), options);
  admin.close();
}

interface Measured {
  /** Latencies by second, from the first one before the kill on. */
  readonly seconds: readonly number[][];
  readonly failed: number;
  readonly knownAfterMs: number;
}

async function measure(world: World, isRemoved: boolean): Promise<Measured> {
  const instance = world.instance(0);
  const seconds = Array.from({ length: before + after }, (): number[] => []);
  const due = new Map<string, number>();
  let failed = 0;
  const beganMs = Date.now() + SETTLE_MS;
  const load = openLoop({
    to: { path: instance.socketPath },
    rate,
    durationMs: SETTLE_MS + (before + after) * 1_000,
    onDue: (id, dueAtMs) => due.set(id, dueAtMs),
    onAnswer: (id, status, latencyMs) => {
      const second = Math.floor(((due.get(id) as number) - beganMs) / 1_000);
      due.delete(id);
      if (second < 0) return;
      if (status === 202) seconds[second]?.push(latencyMs);
      else failed++;
    },
  });
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS + before * 1_000));
  await instance.kill();
  if (isRemoved) rmSync(`${instance.journalPath}.filter`, { force: true });
  const killedMs = Date.now();
  instance.start();
  await complete();
  const knownAfterMs = Date.now() - killedMs;
  await load;
  return { seconds, failed, knownAfterMs };
}

const p99 = (latenciesMs: readonly number[]): number | undefined =>
  latenciesMs.length === 0
    ? undefined
    : quantile(
        latenciesMs.toSorted((a, b) => a - b),
        0.99,
      );

const directory = makeTempDirectory();
const adminPath = join(directory, 'admin');
const environment = { ADMIN_LISTEN: adminPath };
await using world = await openWorld({ instances: 1, front: false, environment });
await world.instance(0).kill('SIGTERM');
console.error(`${ids} payments are written into the ledger`);
await fill(world);
await world.instance(0).restart();
await complete();

const textOf = ({ seconds, failed, knownAfterMs }: Measured): string =>
  `${seconds.map((of) => p99(of)?.toFixed(0)).join(' ')}; known after ${knownAfterMs} ms; no 202: ${failed}`;
const measured = await measureInTurn(
  ARMS,
  rounds,
  (isRemoved) => measure(world, isRemoved),
  textOf,
);

const first = FIRST_MS / 1_000;
const SPANS = [
  [-before, 0],
  [0, first],
  [first, first + 8],
  [first + 8, after],
] as const;
const rows = [...measured].map(([name, results]) => [
  name,
  ...SPANS.map(([from, to]) => {
    const of = results.map(({ seconds }) => p99(seconds.slice(before + from, before + to).flat()));
    return spread(
      of.map((value) => value ?? Number.NaN),
      1,
    );
  }),
  spread(
    results.map(({ knownAfterMs }) => knownAfterMs / 1_000),
    1,
  ),
  spread(
    results.map(({ failed }) => failed),
    0,
  ),
]);
// Of all rounds together.
const curves = [...measured].map(([name, results], n) => ({
  name,
  colour: COLOURS[n] as string,
  p99Ms: Array.from({ length: before + after }, (_, second) =>
    p99(results.flatMap(({ seconds }) => seconds[second] ?? [])),
  ),
}));
const title = `p99 of POST /payments, ${ids.toLocaleString('en-US')} settled payments, ${rate}/s`;
writeFileSync(plot, plotOf(title, -before, curves));
const head = ['', 'before', 'first 2 s', 'next 8 s', 'later', 'ids known after s', 'no 202'];
console.log(`p99 of POST /payments in ms, ${rounds} rounds; the plot is ${plot}\n`);
console.log(markdownTable(head, rows));
removeTempDirectory(directory);
