// Runs Spin on model/cluster.pml: Spin makes a verifier in C from the model, gcc compiles it, and
// the verifier visits every state that the model can reach.

import { execFile } from 'node:child_process';
import { access, constants, copyFile, mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const MODEL = 'model/cluster.pml';
const MEMORY_MIB_MAX = 1_900;
/** Longer than any run of the model. The verifier says so if one is longer. */
const STEPS_MAX = 100_000;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

/**
 * - broken promises: depth first, which needs the least memory.
 * - the shortest way: breadth first, so that a run which breaks a promise has few steps.
 * - endless runs: whether a run can go on for ever.
 */
export type Search = 'broken promises' | 'the shortest way' | 'endless runs';

const SEARCHES: Readonly<Record<Search, readonly string[]>> = {
  'broken promises': ['-DSAFETY', '-DCOLLAPSE'],
  'the shortest way': ['-DSAFETY', '-DBFS'],
  'endless runs': ['-DNP', '-DCOLLAPSE'],
};

/** How large the model is. The top of model/cluster.pml says what each of them is. */
export interface Budget {
  readonly payments: number;
  readonly slots: number;
  readonly faults: number;
  readonly troubles: number;
  readonly restores: number;
}

export interface Finding {
  readonly states: number;
  readonly memoryMib: number;
  readonly seconds: number;
  /** What a run breaks, and its steps in words; undefined if no run breaks anything. */
  readonly broken?: { readonly promise: string; readonly story: readonly string[] };
}

/** The program that is missing, as a package of Debian. */
export async function missingPackage(): Promise<string | undefined> {
  for (const [program, name] of [
    ['spin', 'spin'],
    ['gcc', 'g++'],
  ] as const) {
    if (!(await isInPath(program))) return name;
  }
  return undefined;
}

async function isInPath(program: string): Promise<boolean> {
  const places = (process.env['PATH'] ?? '').split(delimiter).map((place) => join(place, program));
  const found = await Promise.all(
    places.map((place) =>
      access(place, constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}

/** @throws if the search isn't complete: it needs more memory or steps than are allowed */
export async function check(
  search: Search,
  budget: Budget,
  switches: readonly string[] = [],
): Promise<Finding> {
  const directory = await mkdtemp(join(tmpdir(), 'repasse-model-'));
  const options = { cwd: directory, maxBuffer: OUTPUT_BYTES_MAX };
  try {
    const copy = join(directory, 'cluster.pml');
    await copyFile(MODEL, copy);
    // Otherwise the story may begin with a warning: "cluster.pml is newer than its trail", which
    // Spin compares in whole seconds.
    await utimes(copy, 0, 0);
    const defines = [
      ...Object.entries(budget).map(([name, value]) => `-D${name.toUpperCase()}=${value}`),
      ...switches.map((name) => `-D${name}`),
    ];
    const model = [...defines, 'cluster.pml'];
    await run('spin', ['-a', ...model], options);
    const compiled = ['-O1', '-w', `-DMEMLIM=${MEMORY_MIB_MAX}`, ...SEARCHES[search]];
    await run('gcc', [...compiled, '-o', 'pan', 'pan.c'], options);
    const flags = [`-m${STEPS_MAX}`, ...(search === 'endless runs' ? ['-l'] : [])];
    const { stdout } = await run('./pan', flags, options);
    const finding = figuresOf(stdout);
    const promise = promiseIn(stdout);
    if (promise === undefined) {
      if (/not completed|too small|errors: [^0]/.test(stdout)) throw new Error(stdout);
      return finding;
    }
    const { stdout: replayed } = await run('spin', ['-t', '-T', '-B', ...model], options);
    return { ...finding, broken: { promise, story: storyIn(replayed) } };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function figuresOf(output: string): Omit<Finding, 'broken'> {
  const numberIn = (pattern: RegExp): number => Number(pattern.exec(output)?.[1] ?? Number.NaN);
  const finding = {
    states: numberIn(/(\d+) states, stored/),
    memoryMib: Math.round(numberIn(/([\d.]+)\s+total actual memory usage/)),
    seconds: numberIn(/elapsed time ([\d.e+-]+) seconds/),
  };
  if (Object.values(finding).some(Number.isNaN)) throw new Error(output);
  return finding;
}

const PROMISES: readonly (readonly [RegExp, string])[] = [
  [/^assertion violated \( !\(charged/, 'charged at both processors'],
  [/^assertion violated \(?primary\.row\[i\]!=/, 'charged or accepted, and lost to the ledger'],
  [/^assertion violated accepted/, 'stuck: its client never gets a 202'],
  [/^assertion violated charged/, 'the ledger names a processor that does not hold it'],
  [/^assertion violated \(?\(process\[me\]\.epoch/, 'two processes write in one epoch'],
  [/^non-progress cycle/, 'goes on for ever'],
];

function promiseIn(output: string): string | undefined {
  const error = /^pan:1: (.*)/m.exec(output)?.[1];
  if (error === undefined) return undefined;
  return PROMISES.find(([pattern]) => pattern.test(error))?.[1] ?? error;
}

function storyIn(replayed: string): string[] {
  const end = replayed.indexOf('spin: ');
  const story = end < 0 ? replayed : replayed.slice(0, end);
  return story.split('\n').filter((line) => line.trim() !== '');
}
