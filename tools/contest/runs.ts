// The runs that are kept: a directory with a folder for each, named by date, test and commit.

import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { makeDirectory } from '../system/make-directory.ts';
import { FORMAT, type Result } from './result.ts';

/** What is named otherwise is never deleted: rename a folder to keep it. */
const RUN_NAME = /^\d{4}-\d\d-\d\d-\d{6}-(?:preview|final|burst|soak|faults)-/;
export const RESULT_FILE = 'result.json';
export const PAGE_FILE = 'report.html';
export const K6_PAGE_FILE = 'k6-dashboard.html';

/** The run can't be found or read. The message is one line. */
export class RunError extends Error {}

/** "2026-11-24-101502-preview-25076cd", in UTC. Makes the folder. */
export async function makeRunFolder(
  runs: string,
  { at, test, commit }: { readonly at: Date; readonly test: string; readonly commit: string },
): Promise<string> {
  await makeDirectory(runs);
  const [date = '', time = ''] = at.toISOString().split('T');
  const name = `${date}-${time.slice(0, 8).replaceAll(':', '')}-${test}-${commit}`;
  for (let number = 1; ; number++) {
    const path = join(runs, number === 1 ? name : `${name}-${number}`);
    const isNew = await mkdir(path).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') return false;
        throw error;
      },
    );
    if (isNew) return path;
  }
}

/** Names of finished runs, the oldest first. */
export async function listRuns(runs: string): Promise<string[]> {
  const entries = await readdir(runs).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const named = entries.filter((name) => RUN_NAME.test(name)).toSorted();
  const finished = await Promise.all(
    named.map((name) =>
      stat(join(runs, name, RESULT_FILE)).then(
        () => true,
        () => false,
      ),
    ),
  );
  return named.filter((_, index) => finished[index]);
}

/** Deletes the oldest runs beyond `keep`. Returns their names. */
export async function deleteOldRuns(runs: string, keep: number): Promise<string[]> {
  const names = await listRuns(runs);
  const old = names.slice(0, Math.max(0, names.length - keep));
  for (const name of old) await rm(join(runs, name), { recursive: true });
  return old;
}

export interface StoredRun {
  readonly name: string;
  readonly result: Result;
}

/** `wanted`: a folder, its result, a run's name or the start of one, `last` or `previous`. */
export async function findRun(runs: string, wanted: string): Promise<StoredRun> {
  const names = await listRuns(runs);
  if (wanted === 'last' || wanted === 'previous') {
    const name = names.at(wanted === 'last' ? -1 : -2);
    if (name === undefined) throw new RunError(`"${wanted}": ${runs} has ${names.length} runs`);
    return readRun(join(runs, name));
  }
  const isThere = await stat(wanted).catch(() => undefined);
  if (isThere !== undefined) return readRun(wanted);
  const exact = names.filter((name) => name === wanted);
  const matching = exact.length > 0 ? exact : names.filter((name) => name.startsWith(wanted));
  if (matching.length > 1) {
    throw new RunError(
      `"${wanted}" is the start of ${matching.length} runs: ${matching.join(', ')}`,
    );
  }
  const [name] = matching;
  if (name === undefined || wanted === '') {
    throw new RunError(`"${wanted}" is no run in ${runs}, and no path of one`);
  }
  return readRun(join(runs, name));
}

/** `path` is the folder of a run or its result. @throws RunError when it is neither. */
async function readRun(path: string): Promise<StoredRun> {
  const file = path.endsWith('.json') ? path : join(path, RESULT_FILE);
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new RunError(`"${path}" is no run: ${error.message}`);
  });
  let result: Partial<Result> | null;
  try {
    result = JSON.parse(text) as Partial<Result> | null;
  } catch {
    throw new RunError(`"${file}" is no result of a run: it is no JSON`);
  }
  // Results had no format before there were pages.
  if (result?.format !== FORMAT || typeof result.name !== 'string') {
    throw new RunError(
      `"${file}" is no result of npm run k6, or one of another version (format ` +
        `${result?.format ?? 'unknown'}; this version reads ${FORMAT})`,
    );
  }
  const lacking = lackingIn(result);
  if (lacking !== undefined) throw new RunError(`"${file}" is incomplete: it lacks ${lacking}`);
  // The name becomes part of a page's path.
  if (basename(result.name) !== result.name) {
    throw new RunError(`"${file}" names its run "${result.name}", which is no name of a folder`);
  }
  return { name: result.name, result: result as Result };
}

const PARTS: Readonly<Record<keyof Result, 'string' | 'number' | 'boolean' | 'object' | 'list'>> = {
  format: 'number',
  name: 'string',
  addresses: 'object',
  surroundings: 'object',
  plan: 'object',
  isPartial: 'boolean',
  startedAt: 'string',
  score: 'object',
  losses: 'list',
  bonus: 'object',
  ceilingCents: 'number',
  ceilingAtOwnP99Cents: 'number',
  latency: 'object',
  verdicts: 'object',
  answers: 'object',
  atEnd: 'object',
  unsettledAtEnd: 'number',
  checks: 'list',
  stages: 'list',
  disturbed: 'list',
  series: 'object',
  drifts: 'list',
  audit: 'object',
  afterDrain: 'object',
  drainMs: 'number',
  faults: 'list',
  warnings: 'list',
};

const isThere = (part: unknown, kind: string): boolean =>
  kind === 'list' ? Array.isArray(part) : typeof part === kind && part !== null;

/** The first part that is missing or of another kind. What the parts hold is not looked at. */
const lackingIn = (result: Partial<Result>): string | undefined =>
  Object.entries(PARTS).find(([part, kind]) => !isThere(result[part as keyof Result], kind))?.[0];
