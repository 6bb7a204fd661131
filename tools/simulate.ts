// The simulation from the command line:
//   npm run simulate -- --seeds N [--seed S] [--payments 500]   N runs, from seed S on
//   npm run simulate -- --seeds 1 --seed S --trace              one run, step by step
//   npm run simulate -- --mutations [--seeds 3000] [--seed S]   does it notice a program that is wrong?
// A run that fails is printed with the command that repeats it.

import { parseArgs } from 'node:util';
import { hunt } from '../test/simulation/mutants.ts';
import { MUTATIONS } from '../test/simulation/mutations.ts';
import { simulate } from '../test/simulation/run.ts';

const FAILURES_MAX = 5;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seed: { type: 'string', default: '1' },
    payments: { type: 'string', default: '500' },
    failures: { type: 'string', default: String(FAILURES_MAX) },
    trace: { type: 'boolean', default: false },
    mutations: { type: 'boolean', default: false },
  },
});
const first = wholeNumber('seed', values.seed);
const seeds = wholeNumber('seeds', values.seeds ?? (values.mutations ? '3000' : '100'));
const payments = wholeNumber('payments', values.payments);
const failuresMax = wholeNumber('failures', values.failures);

const isWell = values.mutations ? await runMutations() : await runSeeds();
process.exitCode = isWell ? 0 : 1;

async function runSeeds(): Promise<boolean> {
  const began = performance.now();
  const counts = new Map<string, number>();
  const sums = { runs: 0, events: 0, settled: 0, virtualMs: 0, hash: 0 };
  let failures = 0;
  for (let seed = first; seed < first + seeds && failures < failuresMax; seed++) {
    const result = await simulate({
      seed,
      payments,
      trace: values.trace ? console.log : undefined,
    });
    for (const [kind, count] of result.counts) counts.set(kind, (counts.get(kind) ?? 0) + count);
    sums.runs++;
    sums.events += result.events;
    sums.settled += result.settled;
    sums.virtualMs += result.virtualMs;
    sums.hash = (Math.imul(sums.hash, 31) + result.hash) >>> 0;
    if (result.failure === undefined) continue;
    failures++;
    console.log(`seed ${seed} fails: ${result.failure}`);
    console.log(
      `  again: npm run simulate -- --seeds 1 --seed ${seed} --payments ${payments} --trace`,
    );
  }
  const tookS = (performance.now() - began) / 1_000;
  const kinds = [...counts].toSorted(([one], [other]) => one.localeCompare(other));
  console.log(kinds.map(([kind, count]) => `${kind} ${count}`).join(', '));
  console.log(
    `${sums.runs} runs of ${payments} payments from seed ${first}: ${failures} failed; ${sums.settled} payments settled, ` +
      `${sums.events} events in ${(sums.virtualMs / 3_600_000).toFixed(1)} h of virtual time, took ${tookS.toFixed(1)} s; hash ${sums.hash}`,
  );
  return failures === 0;
}

async function runMutations(): Promise<boolean> {
  let missed = 0;
  for (const mutation of MUTATIONS) {
    const options = [
      '--seed',
      values.seed,
      '--seeds',
      String(seeds),
      '--payments',
      values.payments,
    ];
    const { found, printed } = await hunt(mutation, [...options, '--failures', '1']);
    if (found === undefined) missed++;
    console.log(
      `${mutation.name}: ${found ?? `NOT FOUND in ${seeds} runs: ${printed.slice(-500)}`}`,
    );
  }
  console.log(`${MUTATIONS.length - missed} of ${MUTATIONS.length} mutations were found`);
  return missed === 0;
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d+$/.test(text)) {
    console.error(`--${name} is "${text}", must be a whole number`);
    process.exit(2);
  }
  return Number(text);
}
