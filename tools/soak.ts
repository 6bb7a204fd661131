// The soak: payments at a steady rate through nginx while instances are killed (-9) again and again and both processors misbehave; then
// all is healed and the books are compared id by id. Ends with 0 when they agree, with 1 when they don't.
//
//   npm run soak -- [--kills 100] [--rate 1000] [--seed N]

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Random } from '../test/buffer/seed.ts';
import { audit, type AcceptedPayment } from '../test/world/audit.ts';
import { Program } from '../test/world/program.ts';
import { makeTempDirectory, removeTempDirectory } from '../test/world/temp-directory.ts';
import { openWorld, type World } from '../test/world/world.ts';
import type { Counts } from './soak/generator.ts';
import { killAgainAndAgain, type Killings } from './soak/killer.ts';
import { heal, misbehave } from './soak/mischief.ts';
import { ACCEPTED, paymentOf } from './soak/payment-series.ts';

const GENERATOR = new URL('./soak/generator.js', import.meta.url);
/** A new mood of the processors every so many kills. */
const KILLS_PER_MOOD = 2;
/** For everything to settle when all is well again. */
const SETTLED_MS = 900_000;

interface Plan {
  readonly kills: number;
  readonly rate: number;
  readonly seed: number;
}

interface Soaked {
  readonly killings: Killings;
  readonly counts: Counts;
  readonly outcomes: Uint8Array;
}

function readPlan(): Plan {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '100' },
      rate: { type: 'string', default: '1000' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    },
  });
  const whole = (name: keyof Plan, most: number): number => {
    const value = Number(values[name]);
    if (Number.isInteger(value) && value >= 1 && value <= most) return value;
    throw new Error(`--${name} is "${values[name]}", must be a whole number from 1 to ${most}`);
  };
  return {
    kills: whole('kills', 10_000),
    rate: whole('rate', 20_000),
    seed: whole('seed', 2 ** 31 - 1),
  };
}

/** Kills under load; when it is over, nobody sends any more and the processors are well. */
async function soak(world: World, plan: Plan, directory: string): Promise<Soaked> {
  const random = new Random(plan.seed);
  const path = join(directory, 'outcomes');
  const words = ['--url', world.front.url, '--rate', String(plan.rate)];
  const generator = new Program(GENERATOR, [
    ...words,
    '--seed',
    String(plan.seed),
    '--outcomes',
    path,
  ]);
  generator.start();
  let mood = misbehave(world.processors, random);
  const killings = await killAgainAndAgain(world.instances, plan.kills, random, (kill) => {
    if (kill % KILLS_PER_MOOD === 0) mood = mood.then(() => misbehave(world.processors, random));
    if (kill % 10 === 0) console.error(`kill ${kill} of ${plan.kills}`);
  });
  await mood;
  const code = await generator.kill('SIGTERM');
  await heal(world.processors);
  if (code !== 0) throw new Error(`the generator ended with ${code}: ${generator.lastWords()}`);
  const counts = JSON.parse(generator.lines.at(-1) ?? '') as Counts;
  return { killings, counts, outcomes: readFileSync(path) };
}

function paymentsOf({ seed }: Plan, { outcomes }: Soaked, isAccepted: boolean): AcceptedPayment[] {
  const payments: AcceptedPayment[] = [];
  for (const [n, outcome] of outcomes.entries()) {
    if ((outcome === ACCEPTED) === isAccepted) payments.push(paymentOf(seed, n));
  }
  return payments;
}

function report({ killings, counts }: Soaked): void {
  const { kills, duringRecovery, recoveriesMs } = killings;
  const sorted = recoveriesMs.toSorted((one, other) => one - other);
  const at = (share: number): string =>
    (sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN).toFixed(0);
  console.log(
    `killed    ${kills} times, ${duringRecovery} of them during a recovery; an instance answers again after ` +
      `${at(0)} ms at least, ${at(0.5)} in the median, ${at(1)} at most`,
  );
  const { begun, seconds, accepted, maybe, retried, skipped } = counts;
  console.log(
    `sent      ${begun} payments in ${seconds.toFixed(0)} s (${(begun / seconds).toFixed(0)}/s), ${retried} repetitions, ` +
      `${skipped} left out; ${accepted} accepted, ${maybe} without a certain answer`,
  );
  console.log(`answers   ${JSON.stringify(counts.answers)}`);
}

async function main(): Promise<void> {
  const plan = readPlan();
  console.log(`seed      ${plan.seed}`);
  const directory = makeTempDirectory();
  try {
    // Short time-outs, so that most of what misbehaves is met by a reconciliation and not by patience.
    await using world = await openWorld({
      environment: { TIMEOUT_FALLBACK_MS: '300', TIMEOUT_SLACK_MS: '300' },
    });
    const soaked = await soak(world, plan, directory);
    report(soaked);
    const [accepted, maybe] = [paymentsOf(plan, soaked, true), paymentsOf(plan, soaked, false)];
    const startedMs = performance.now();
    await audit(world, accepted, { maybe, withinMs: SETTLED_MS });
    const tookS = ((performance.now() - startedMs) / 1_000).toFixed(0);
    const cents = accepted.reduce((sum, payment) => sum + payment.cents, 0);
    console.log(
      `audit     ${accepted.length} payments of ${cents} cents: 0 lost, 0 charged twice, 0 cents of difference; settled after ${tookS} s`,
    );
  } finally {
    removeTempDirectory(directory);
  }
}

try {
  await main();
} catch (error) {
  console.error(`soak: ${(error as Error).message}`);
  process.exitCode = 1;
}
