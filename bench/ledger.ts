// The latency of a summary, through nginx and an instance, with few and with many settled payments,
// over ranges from seconds to everything.

import { openWorld, type World } from '../test/world/world.ts';
import { readCommandLine } from '../tools/command-line.ts';
import { quantile } from '../tools/load/open-loop.ts';
import { LEDGER } from './benchmarks.ts';
import { fillLedger } from './filled-ledger.ts';
import { markdownTable, measureInTurn, spread } from './report.ts';

const { few, many, samples, rounds } = readCommandLine({
  ...LEDGER,
  words: {
    few: { about: 'payments of the small ledger', preset: 100_000, least: 1 },
    many: { about: 'payments of the large ledgers', preset: 10_000_000, least: 1 },
    samples: { about: 'summaries of each range in a round', preset: 50, least: 1 },
    rounds: { about: 'rounds', preset: 3, least: 1 },
  },
});

const DAY_MS = 86_400_000;
const MONTH_MS = 30 * DAY_MS;
const FROM_MS = Date.UTC(2025, 6, 1);
const CHUNK = 500_000;

interface Books {
  readonly payments: number;
  /** They are spread evenly over this time from FROM_MS on. */
  readonly overMs: number;
}

const ARMS: Readonly<Record<string, Books>> = {
  [`${few} over a month`]: { payments: few, overMs: MONTH_MS },
  [`${many} over a month`]: { payments: many, overMs: MONTH_MS },
  [`${many} over a day`]: { payments: many, overMs: DAY_MS },
};

const RANGES: Readonly<Record<string, number>> = {
  '15 s': 15_000,
  '1 h': 3_600_000,
  '1 d': DAY_MS,
  all: Infinity,
};

function fill({ databaseUrl }: World, { payments, overMs }: Books): Promise<void> {
  return fillLedger(databaseUrl, {
    payments,
    fromMs: FROM_MS,
    toMs: FROM_MS + overMs,
    chunk: CHUNK,
    onChunk: (done) => console.error(`${done} of ${payments} payments`),
  });
}

const timeOf = (ms: number): string => new Date(ms).toISOString();

async function once({ client }: World, { overMs }: Books, lengthMs: number): Promise<number> {
  if (lengthMs === Infinity) return (await client.send('GET', '/payments-summary')).latencyMs;
  // Neither end at a whole second.
  const from = FROM_MS + Math.floor(Math.random() * Math.max(1, overMs - lengthMs)) + 0.5;
  const path = `/payments-summary?from=${timeOf(from)}&to=${timeOf(from + lengthMs)}`;
  const { status, body, latencyMs } = await client.send('GET', path);
  if (status !== 200) throw new Error(`${status} ${body}`);
  return latencyMs;
}

type Medians = Readonly<Record<string, number>>;

async function measure({ world, books }: { world: World; books: Books }): Promise<Medians> {
  const latencies = new Map<string, number[]>(Object.keys(RANGES).map((name) => [name, []]));
  for (let n = 0; n < samples; n++) {
    for (const [name, lengthMs] of Object.entries(RANGES)) {
      latencies.get(name)?.push(await once(world, books, lengthMs));
    }
  }
  return Object.fromEntries([...latencies].map(([name, all]) => [name, quantile(all, 0.5)]));
}

const worlds: Record<string, { world: World; books: Books }> = {};
for (const [name, books] of Object.entries(ARMS)) {
  const world = await openWorld();
  await fill(world, books);
  await measure({ world, books });
  worlds[name] = { world, books };
}
const measured = await measureInTurn(worlds, rounds, measure);
for (const { world } of Object.values(worlds)) await world.close();

const baseline = measured.get(Object.keys(ARMS)[0] as string) ?? [];
const rows = [...measured].flatMap(([arm, results]) =>
  Object.keys(RANGES).map((range) => {
    const ms = results.map((result) => result[range] ?? Number.NaN);
    const ratios = ms.map((value, n) => value / (baseline[n]?.[range] ?? Number.NaN));
    return [arm, range, spread(ms, 2), spread(ratios, 2)];
  }),
);
console.log(`medians of ${samples} summaries each, ${rounds} rounds\n`);
console.log(markdownTable(['payments', 'range', 'ms', 'ratio to the small ledger'], rows));
