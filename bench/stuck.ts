// How long good payments wait for the attempt that charges them, and for their 202, while both
// processors refuse BAD others, next to a run without those. Each arm has its own instance and
// database.

import { randomUUID } from 'node:crypto';
import { DatabaseServer } from '../test/world/database.ts';
import { openWorld, type World } from '../test/world/world.ts';
import { readCommandLine } from '../tools/command-line.ts';
import { openLoop, quantile } from '../tools/load/open-loop.ts';
import type { Fault } from '../tools/simulator/faults.ts';
import { STUCK } from './benchmarks.ts';
import { markdownTable, measureInTurn, spread } from './report.ts';

const { rate, seconds, rounds } = readCommandLine({
  ...STUCK,
  words: {
    rate: { about: 'good payments per second', preset: 100, least: 1 },
    seconds: { about: 'how long each arm is measured', preset: 10, least: 1 },
    rounds: { about: 'rounds', preset: 3, least: 1 },
  },
});
const BAD = 200;
const BAD_AMOUNT = '666.00';
const BAD_CENTS = 66_600;
/** After this time the refused payments are set aside. */
const SET_ASIDE_MS = 5_000;

type Wrong = Partial<Fault> & Pick<Fault, 'kind'>;

const ARMS: Readonly<Record<string, Wrong | undefined>> = {
  none: undefined,
  400: { kind: 'status', status: 400 },
  422: { kind: 'status', status: 422 },
  500: { kind: 'status', status: 500 },
  502: { kind: 'status', status: 502 },
  reset: { kind: 'drop-before-insert' },
  hang: { kind: 'hang' },
  'none again': undefined,
};

interface Measured {
  readonly waitP50Ms: number;
  readonly waitP99Ms: number;
  readonly answerP99Ms: number;
  readonly onFallback: number;
  readonly notCharged: number;
}

async function measure(database: DatabaseServer, wrong: Wrong | undefined): Promise<Measured> {
  await using world = await openWorld({ database, instances: 1, front: false });
  const to = { path: world.instance(0).socketPath };
  await openLoop({ to, rate, durationMs: 2_000 });
  if (wrong !== undefined) {
    for (const { levers } of world.processors) {
      await levers.setFault({ ...wrong, amountCents: BAD_CENTS });
    }
    const bad = Array.from({ length: BAD }, () => world.client.pay(randomUUID(), BAD_AMOUNT));
    await Promise.all(bad);
  }
  await openLoop({ to, rate, durationMs: SET_ASIDE_MS });
  const dueAtMs = new Map<string, number>();
  const { latenciesMs } = await openLoop({
    to,
    rate,
    durationMs: seconds * 1_000,
    onDue: (id, atMs) => dueAtMs.set(id, atMs),
  });
  return { ...(await waits(world, dueAtMs)), answerP99Ms: quantile(latenciesMs, 0.99) };
}

async function waits(
  world: World,
  dueAtMs: ReadonlyMap<string, number>,
): Promise<Omit<Measured, 'answerP99Ms'>> {
  const waitsMs: number[] = [];
  let onFallback = 0;
  for (const { levers } of world.processors) {
    for (const { correlationId, requestedAt } of await levers.payments()) {
      const dueMs = dueAtMs.get(correlationId);
      if (dueMs === undefined) continue;
      waitsMs.push(Math.max(0, Date.parse(requestedAt) - dueMs));
      if (levers === world.fallback.levers) onFallback++;
    }
  }
  const sorted = waitsMs.toSorted((one, other) => one - other);
  return {
    waitP50Ms: quantile(sorted, 0.5),
    waitP99Ms: quantile(sorted, 0.99),
    onFallback,
    notCharged: dueAtMs.size - waitsMs.length,
  };
}

const database = await DatabaseServer.start();
const measured = await measureInTurn(ARMS, rounds, (wrong) => measure(database, wrong));
await database.close();

const baseline = measured.get('none') ?? [];
const row = ([arm, of]: readonly [string, readonly Measured[]]): string[] => {
  const all = (figure: keyof Measured): number[] => of.map((result) => result[figure]);
  const ratio = all('waitP99Ms').map((ms, n) => ms / (baseline[n]?.waitP99Ms ?? Number.NaN));
  return [
    arm,
    spread(all('waitP50Ms'), 1),
    spread(all('waitP99Ms'), 1),
    spread(ratio, 2),
    spread(all('answerP99Ms'), 2),
    spread(all('onFallback'), 0),
    spread(all('notCharged'), 0),
  ];
};
const HEAD = [
  `${BAD} answered with`,
  'wait p50 ms',
  'wait p99 ms',
  'ratio',
  '202 p99 ms',
  'on fallback',
  'not charged',
];
console.log(`${rate} good payments/s for ${seconds} s, ${rounds} rounds: median (min to max)\n`);
console.log(markdownTable(HEAD, [...measured].map(row)));
