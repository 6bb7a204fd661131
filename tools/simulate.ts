// `npm run simulate`: the seeded simulation of the engine. A run that fails is printed with the
// command that repeats it.

import { hunt } from '../test/simulation/mutants.ts';
import { MUTATIONS } from '../test/simulation/mutations.ts';
import { simulate } from '../test/simulation/run.ts';
import { readCommandLine } from './command-line.ts';

const {
  seed: first,
  payments,
  failures: failuresMax,
  trace,
  mutations,
  ...given
} = readCommandLine({
  name: 'simulate',
  does:
    'Runs the engine on a virtual clock with parts that fail, once for each seed, and checks ' +
    'that no payment is lost or charged twice. With --mutations it runs programs that are wrong ' +
    'on purpose, and checks that a seed finds each.',
  takes: 'Takes some seconds for 100 seeds; --mutations takes minutes.',
  options: {
    seeds: { about: 'how many seeds', otherwise: '100, or 3000 with --mutations', least: 1 },
    seed: { about: 'the first seed', preset: 1, least: 0 },
    payments: { about: 'payments in each run', preset: 500, least: 1 },
    failures: { about: 'ends after so many runs that fail', preset: 5, least: 1 },
    trace: { about: 'prints each step', preset: false },
    mutations: { about: 'runs the wrong programs', preset: false },
  },
  ends: { 0: 'every run passed, or every mutation was found', 1: 'otherwise' },
});
const seeds = given.seeds ?? (mutations ? 3_000 : 100);

const isWell = mutations ? await runMutations() : await runSeeds();
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
      trace: trace ? console.log : undefined,
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
    `${sums.runs} runs of ${payments} payments from seed ${first}: ${failures} failed; ` +
      `${sums.settled} payments settled, ${sums.events} events in ` +
      `${(sums.virtualMs / 3_600_000).toFixed(1)} h of virtual time, took ${tookS.toFixed(1)} s; ` +
      `hash ${sums.hash}`,
  );
  return failures === 0;
}

async function runMutations(): Promise<boolean> {
  let missed = 0;
  for (const mutation of MUTATIONS) {
    const options = Object.entries({ seed: first, seeds, payments, failures: 1 });
    const { found, printed } = await hunt(
      mutation,
      options.flatMap(([name, value]) => [`--${name}`, String(value)]),
    );
    if (found === undefined) missed++;
    console.log(
      `${mutation.name}: ${found ?? `NOT FOUND in ${seeds} runs: ${printed.slice(-500)}`}`,
    );
  }
  console.log(`${MUTATIONS.length - missed} of ${MUTATIONS.length} mutations were found`);
  return missed === 0;
}
