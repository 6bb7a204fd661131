// `npm run soak`: payments at a steady rate through nginx, first for minutes while both processors
// misbehave now and then and the parts' use of memory, files, CPU and disk is watched, then while
// instances are killed (-9). Then everything is healed and the books are compared id by id.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../test/buffer/seed.ts';
import { Program } from '../test/world/program.ts';
import { makeTempDirectory, removeTempDirectory } from '../test/world/temp-directory.ts';
import { openWorld, type World } from '../test/world/world.ts';
import { readCommandLine } from './command-line.ts';
import { auditSoak } from './soak/books.ts';
import { figuresOf, judge, type Judged } from './soak/figures.ts';
import type { Counts } from './soak/generator.ts';
import { killAgainAndAgain, type Killings } from './soak/killer.ts';
import { heal, misbehave } from './soak/mischief.ts';
import { soakPage } from './soak/page.ts';
import type { Sample } from './soak/sampler.ts';
import { runSteadily } from './soak/steady.ts';

const GENERATOR = new URL('./soak/generator.js', import.meta.url);
const REPORTS = 'reports/soak';
/** After so many kills the processors misbehave in another way. */
const KILLS_PER_MOOD = 2;
/** How long everything may take to settle after the healing. */
const SETTLED_MS = 900_000;
const MILLION = 1e6;
const MIB = 2 ** 20;

interface Plan {
  readonly minutes: number;
  readonly kills: number;
  readonly rate: number;
  readonly seed: number;
}

interface Soaked {
  readonly samples: readonly Sample[];
  readonly killings: Killings;
  readonly counts: Counts;
  readonly outcomes: Uint8Array;
}

function readPlan(): Plan {
  const { seed = Date.now() % 2 ** 31, ...plan } = readCommandLine({
    name: 'soak',
    does:
      'Sends payments at a steady rate through nginx. For --minutes both processors misbehave now ' +
      'and then, and it is watched what the parts use. Then instances are killed (-9) --kills ' +
      'times. At the end everything is healed and the books are compared id by id. The report ' +
      `with its graphs is in ${REPORTS}.`,
    takes: 'Takes --minutes, a second for each kill, and some minutes until everything is settled.',
    options: {
      minutes: {
        about: 'how long the use of memory, files, CPU and disk is watched',
        preset: 30,
        least: 0,
        most: 1_440,
      },
      kills: { about: 'how many kills', preset: 100, least: 0, most: 10_000 },
      rate: { about: 'payments per second', preset: 500, least: 1, most: 20_000 },
      seed: {
        about: 'what the kills and the misbehaviour are drawn from',
        otherwise: 'another one each time',
        least: 0,
        most: 2 ** 31 - 1,
      },
    },
    ends: {
      0: 'the books agree, and nothing grows without levelling off',
      1: 'they do not, or something does',
    },
  });
  return { ...plan, seed };
}

/** At the end nothing is sent any more and the processors are healed. */
async function soak(world: World, plan: Plan, directory: string): Promise<Soaked> {
  const random = new Random(plan.seed);
  const path = join(directory, 'outcomes');
  const words = ['--url', world.front.url, '--rate', String(plan.rate)];
  const more = ['--seed', String(plan.seed), '--outcomes', path];
  const generator = new Program(GENERATOR, [...words, ...more]);
  generator.start();
  const steady = {
    minutes: plan.minutes,
    chance: random,
    adminPaths: adminPathsIn(directory),
    say: (line: string) => console.error(line),
  };
  const samples = plan.minutes === 0 ? [] : await runSteadily(world, steady);
  let mood = plan.kills === 0 ? Promise.resolve() : misbehave(world.processors, random);
  const killings = await killAgainAndAgain(world.instances, plan.kills, random, (kill) => {
    if (kill % KILLS_PER_MOOD === 0) mood = mood.then(() => misbehave(world.processors, random));
    if (kill % 10 === 0) console.error(`kill ${kill} of ${plan.kills}`);
  });
  await mood;
  const code = await generator.kill('SIGTERM');
  await heal(world.processors);
  if (code !== 0) throw new Error(`the generator ended with ${code}: ${generator.lastWords()}`);
  const counts = JSON.parse(generator.lines.at(-1) ?? '') as Counts;
  return { samples, killings, counts, outcomes: readFileSync(path) };
}

const adminPathsIn = (directory: string): string[] =>
  [0, 1].map((number) => join(directory, `admin-${number}`));

/** What was sent, and what was killed. */
function linesOf({ killings, counts }: Soaked): string[] {
  const { kills, duringRecovery, recoveriesMs } = killings;
  const sorted = recoveriesMs.toSorted((one, other) => one - other);
  const at = (share: number): string =>
    (sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN).toFixed(0);
  const { begun, seconds, accepted, maybe, retried, skipped } = counts;
  const killed =
    `killed    ${kills} times, ${duringRecovery} of them during a recovery; ` +
    `an instance answers again after ${at(0)} ms at least, ${at(0.5)} in the median, ` +
    `${at(1)} at most`;
  return [
    ...(kills === 0 ? [] : [killed]),
    `sent      ${begun} payments in ${seconds.toFixed(0)} s ` +
      `(${(begun / seconds).toFixed(0)}/s), ${retried} repetitions, ${skipped} left out; ` +
      `${accepted} accepted, ${maybe} without a certain answer`,
    `answers   ${JSON.stringify(counts.answers)}`,
  ];
}

const rowsIn = (sample: Sample | undefined): number => sample?.tables['payments']?.rows ?? 0;

/** What a million payments take; undefined where too few were recorded to tell. */
function diskOf(samples: readonly Sample[]): string | undefined {
  const [first, last] = [samples[0], samples.at(-1)];
  const rows = rowsIn(last) - rowsIn(first);
  if (first === undefined || last === undefined || rows <= 0) return undefined;
  const perMillion = (bytes: number): string => ((bytes * MILLION) / rows / MIB).toFixed(0);
  return (
    `disk      ${perMillion(last.databaseBytes - first.databaseBytes)} MiB of the database for a ` +
    `million payments, ${perMillion(last.logBytes - first.logBytes)} MiB written to its log; ` +
    `journals ${(last.journalBytes / MIB).toFixed(0)} MiB, however many there are`
  );
}

/** All in one line, and one for each series that isn't flat. */
function growthLines(judged: readonly Judged[]): string[] {
  const count = (verdict: string): number =>
    judged.filter(({ growth }) => growth.verdict === verdict).length;
  const risen = judged.filter(({ growth }) => ['grows', 'levels off'].includes(growth.verdict));
  const short = count('too short');
  return [
    `growth    ${judged.length} series: ${count('flat')} flat, ${count('levels off')} level off, ` +
      `${count('grows')} grow${short === 0 ? '' : `, ${short} too short to tell`}`,
    ...risen.map(({ what, unit, growth: { verdict, from, to } }) => {
      return `          ${what} ${verdict}: ${from.toFixed(1)} to ${to.toFixed(1)} ${unit}`;
    }),
  ];
}

/** Writes the report and the samples; prints where. */
function writeReport(plan: Plan, soaked: Soaked, lines: readonly string[]): readonly Judged[] {
  const figures = figuresOf(soaked.samples);
  const judged = judge(figures);
  const { accepted, begun, seconds } = soaked.counts;
  const page = soakPage({
    title: `Soak of ${plan.minutes} minutes at ${plan.rate} payments/s`,
    minutes: plan.minutes,
    tiles: [
      [accepted.toLocaleString('en-US'), 'accepted'],
      [`${(begun / seconds).toFixed(0)}/s`, 'sent'],
      [String(judged.filter(isGrowing).length), 'series that grow'],
    ],
    figures,
    judged,
    lines,
  });
  mkdirSync(REPORTS, { recursive: true });
  const name = new Date().toISOString().slice(0, 19).replaceAll(/[:T]/g, '-');
  const path = join(REPORTS, name);
  writeFileSync(`${path}.html`, page);
  writeFileSync(`${path}.json`, JSON.stringify({ plan, lines, samples: soaked.samples }));
  console.log(`report    ${path}.html`);
  return judged;
}

const isGrowing = ({ growth }: Judged): boolean => growth.verdict === 'grows';

/** Resolves with whether nothing grows. @throws when the books disagree */
async function main(plan: Plan): Promise<boolean> {
  console.log(`seed      ${plan.seed}`);
  const directory = makeTempDirectory();
  try {
    const sinceMs = Date.now();
    // Short time-outs, so that most misbehaviour leads to a reconciliation.
    await using world = await openWorld({
      environment: { TIMEOUT_FALLBACK_MS: '300', TIMEOUT_SLACK_MS: '300' },
      environmentOf: (number) => ({ ADMIN_LISTEN: adminPathsIn(directory)[number] as string }),
    });
    const soaked = await soak(world, plan, directory);
    const disk = diskOf(soaked.samples);
    const lines = [...linesOf(soaked), ...(disk === undefined ? [] : [disk])];
    for (const line of lines) console.log(line);
    const judged = soaked.samples.length === 0 ? [] : writeReport(plan, soaked, lines);
    if (judged.length > 0) console.log(growthLines(judged).join('\n'));
    const startedMs = performance.now();
    await auditSoak(world, { seed: plan.seed, outcomes: soaked.outcomes, sinceMs }, SETTLED_MS);
    const tookS = ((performance.now() - startedMs) / 1_000).toFixed(0);
    console.log(
      `audit     ${soaked.counts.accepted} accepted payments: 0 lost, 0 charged twice, ` +
        `0 cents of difference; settled and compared after ${tookS} s`,
    );
    return !judged.some(isGrowing);
  } finally {
    removeTempDirectory(directory);
  }
}

const plan = readPlan();
try {
  if (!(await main(plan))) {
    console.error('soak: something grows, and does not level off');
    process.exitCode = 1;
  }
} catch (error) {
  console.error(`soak: ${(error as Error).message}`);
  process.exitCode = 1;
}
