// `npm run submission:try`: runs the submission's folder as the contest would, in containers under
// its limits, with the contest's test, and removes everything afterwards, also after a Ctrl-C.

import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock as clock } from '../../src/clock.ts';
import { readCommandLine, type Command } from '../command-line.ts';
import { DOCKER } from '../compose/composition.ts';
import { whatIsMissing } from '../compose/docker.ts';
import { msUntil, PORTS, summaryAnswers } from '../compose/running.ts';
import { usageDuring } from '../compose/usage-during.ts';
import { memoryFaults, usageLine } from '../compose/usage.ts';
import { lockFile } from '../system/lock-file.ts';
import { ensureFree } from '../system/ports.ts';
import { ended, spawnTethered, stopAt } from '../system/tethered.ts';
import { findK6, K6_VARIABLE, noK6 } from './find-k6.ts';
import { SCALE_OPTION, TESTS } from './plan.ts';
import { readFolder } from './submission/folder-files.ts';
import { checkFolder, type Folder } from './submission/folder.ts';
import { isNetworkTaken, Rehearsal } from './submission/rehearsal.ts';

const COMMAND = {
  name: 'submission:try',
  does:
    "Runs the submission's folder as the contest would: a copy of the folder elsewhere, its " +
    "compose file, the network payment-processor with simulated processors, and the contest's " +
    'test. Says the score, what the audit of every payment finds, and what each container uses ' +
    'of its limits. Removes the containers, networks, volumes and the copy afterwards, also ' +
    'after Ctrl-C. The images stay.',
  needs: `k6; ${DOCKER.needs}`,
  takes: 'Takes two minutes (preview) or six (final) once the images are there.',
  words: {
    test: { about: 'the test', oneOf: ['preview', 'final'], preset: 'preview' },
  },
  options: {
    folder: {
      about: 'the folder, as npm run submission writes it',
      preset: join('reports', 'submission'),
    },
    local: {
      about:
        'the image of this checkout in place of the published one, and base images that this ' +
        'machine has; otherwise all images are pulled, as in the contest',
      preset: false,
    },
    scale: SCALE_OPTION,
  },
  environment: {
    DOCKER_BUILD_FLAGS: DOCKER.environment.DOCKER_BUILD_FLAGS,
    K6: K6_VARIABLE,
  },
  ends: {
    0: 'every check holds',
    1: 'a check failed',
    2: 'it could not run, or was interrupted',
  },
} as const satisfies Command;

const K6_TOOL = fileURLToPath(new URL('./k6.js', import.meta.url));
const REPORT = join('reports', 'submission-try');
const LOGS = join(REPORT, 'containers.log');
/** So long the contest waits for the first summary. */
const START_MS_MAX = 75_000;
/** For k6 and the audit of what it has sent, after a Ctrl-C. */
const K6_GRACE_MS = 45_000;

const say = (what: string, text: string): void => console.log(`${what.padEnd(9)} ${text}`);
const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** Aborted by Ctrl-C and the like. A second one changes nothing: what was started is removed. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => controller.abort(new Error('interrupted')));
  }
  // Nor does a terminal or a pipe that is closed.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', () => controller.abort(new Error('nobody reads what is printed')));
  }
  return controller.signal;
}

/** A line for each thing that this machine lacks. */
async function missingHere(): Promise<string[]> {
  const docker = await whatIsMissing();
  return [
    ...(docker === undefined ? [] : [`needs ${docker}`]),
    ...(findK6(process.env) === null ? [noK6(process.env)] : []),
  ];
}

/** @throws Error when a port or the network of the contest belongs to something else. */
async function ensureRoom(): Promise<void> {
  await Promise.all(PORTS.map((port) => ensureFree(port)));
  if (!(await isNetworkTaken())) return;
  throw new Error(
    'there is a network payment-processor already: remove what uses it, then ' +
      '`docker network rm payment-processor`',
  );
}

async function foldersText(folder: string): Promise<Folder> {
  return readFolder(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw new Error(`${folder} is not there: npm run submission writes it`);
  });
}

/** Runs the contest's test. Returns whether every check holds. */
async function runK6(words: readonly string[], stop: AbortSignal): Promise<boolean> {
  stop.throwIfAborted();
  const command = [process.execPath, '--enable-source-maps', K6_TOOL, ...words];
  const child = spawnTethered(command, {
    deathSignal: 'SIGTERM',
    stdio: ['ignore', 'inherit', 'inherit'],
    // The submission has the ports of the contest, whatever these variables say.
    environment: { PORT: '', SIMULATOR_DEFAULT_PORT: '', SIMULATOR_FALLBACK_PORT: '' },
  });
  const release = stopAt(stop, child, 'SIGINT', K6_GRACE_MS);
  const code = await ended(child).finally(release);
  stop.throwIfAborted();
  if (code === 0 || code === 1) return code === 0;
  throw new Error(`the test could not run: npm run k6 ended with ${code}`);
}

type Values = ReturnType<typeof readCommandLine<typeof COMMAND>>;

/** Starts it, and runs the test. Returns what is wrong. */
async function rehearse(
  rehearsal: Rehearsal,
  { test, scale }: Values,
  stop: AbortSignal,
): Promise<string[]> {
  const beganMs = clock.elapsed();
  await rehearsal.start(stop);
  const answered = async (): Promise<boolean> => {
    stop.throwIfAborted();
    return summaryAnswers();
  };
  const tookMs = await msUntil('a summary', START_MS_MAX, answered, beganMs);
  say('start', `${seconds(tookMs)} to the first summary; the contest waits 75 s`);
  const { line, faults } = await rehearsal.limits();
  say('limits', line);
  // What was just started holds nothing that a purge could harm.
  const words = [test, '--scale', String(scale), '--report', resolve(REPORT, 'k6'), '--purge'];
  const { result: holds, used } = await usageDuring(rehearsal.usage, () => runK6(words, stop));
  for (const [service, usage] of used) console.log(usageLine(service, usage));
  return [
    ...faults,
    ...(holds ? [] : ['the test: a check failed, see above']),
    ...memoryFaults(used),
    ...(await rehearsal.mishaps()),
  ];
}

/** Returns what is wrong. Whatever happens, what was started is removed. */
async function startAndRemove(
  rehearsal: Rehearsal,
  values: Values,
  stop: AbortSignal,
): Promise<string[]> {
  const faults: string[] = [];
  try {
    await ensureRoom();
    say('images', values.local ? 'building' : 'building the simulator, pulling the others');
    await rehearsal.build(stop);
    faults.push(...(await rehearse(rehearsal, values, stop)));
  } finally {
    await rehearsal.logs().then(
      (text) => writeFile(LOGS, text),
      (error: Error) => say('logs', `not written: ${error.message}`),
    );
    say('removing', 'containers, networks, volumes and the copy of the folder');
    // Not thrown: it would hide why the test failed.
    await rehearsal.remove().catch((error: Error) => {
      faults.push(error.message);
      console.error(`submission:try: ${error.message}`);
    });
  }
  return faults;
}

async function main(values: Values): Promise<number> {
  const missing = await missingHere();
  if (missing.length > 0) throw new Error(missing.join('\n'));
  const folder = await foldersText(values.folder);
  const broken = checkFolder(folder);
  for (const fault of broken) say('FAULT', fault);
  if (broken.length > 0) return 1;
  say('folder', `${values.folder}: all rules hold`);
  await mkdir(REPORT, { recursive: true });
  lockFile(join(REPORT, 'lock'), 'another npm run submission:try runs in this checkout');
  const stop = interruption();
  const { feeBps } = TESTS[values.test];
  const rehearsal = await Rehearsal.open({ folder, feeBps, local: values.local });
  const faults = await startAndRemove(rehearsal, values, stop);
  for (const fault of faults) say('FAULT', fault);
  say('logs', LOGS);
  return faults.length === 0 ? 0 : 1;
}

const values = readCommandLine(COMMAND);
try {
  process.exitCode = await main(values);
} catch (error) {
  for (const line of (error as Error).message.split('\n')) {
    console.error(`submission:try: ${line}`);
  }
  process.exitCode = 2;
}
