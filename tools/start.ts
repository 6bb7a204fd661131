// The whole system on this machine, for as long as this process lives: PostgreSQL, two simulated processors, two API instances, and
// nginx in front. Prints `ready http://127.0.0.1:9999` when a request goes all the way. A part that dies is started again. SIGTERM or
// Ctrl-C finishes what is under way and stops everything, a second one hastens; whatever ends this process, nothing of it stays.

import { setTimeout as sleep } from 'node:timers/promises';
import { forgetPgVariables } from '../src/database-address.ts';
import { ask } from './system/ask.ts';
import { DataDirectory } from './system/data-directory.ts';
import { LedgerTrouble } from './system/ledger-trouble.ts';
import { LiveLine } from './system/live-line.ts';
import { Part } from './system/part.ts';
import { instanceLogs, instanceSockets, planParts } from './system/parts.ts';
import { ensureFree } from './system/ports.ts';
import { readSettings, StartError, type StartSettings } from './system/settings.ts';

/** npm passes a terminal's Ctrl-C on, and the terminal sends it to us as well: that is one, not two. */
const SAME_SIGNAL_MS = 500;
const ORPHANED_EVERY_MS = 1_000;
const READY_WITHIN_MS = 30_000;
const READY_EVERY_MS = 20;
const TROUBLE_EVERY_MS = 200;

/** Resolves with the first wish to stop, after calling `first`; `again` is called for each later one. */
function stopWish(first: () => void, again: () => void): Promise<void> {
  let firstMs = Number.POSITIVE_INFINITY;
  return new Promise((resolve) => {
    const wish = (): void => {
      const nowMs = performance.now();
      if (nowMs - firstMs > SAME_SIGNAL_MS) again();
      firstMs = Math.min(firstMs, nowMs);
      first();
      resolve();
    };
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, wish);
    // An npm that is killed can't tell us; nobody could stop us then but by our process id.
    const parent = process.ppid;
    if (process.env['npm_lifecycle_event'] === undefined) return;
    const timer = setInterval(() => {
      if (process.ppid === parent) return;
      clearInterval(timer);
      wish();
    }, ORPHANED_EVERY_MS);
    timer.unref();
  });
}

async function ensurePortsFree(settings: StartSettings): Promise<void> {
  const { processorUrls, simulators } = settings;
  const wanted: Promise<void>[] = [ensureFree(settings.port, 'PORT')];
  if (!processorUrls[0]) wanted.push(ensureFree(simulators[0].port, 'SIMULATOR_DEFAULT_PORT'));
  if (!processorUrls[1]) wanted.push(ensureFree(simulators[1].port, 'SIMULATOR_FALLBACK_PORT'));
  await Promise.all(wanted);
}

interface Waiting {
  readonly isVain: () => boolean;
  readonly trouble: LedgerTrouble;
  readonly say: (line: string) => void;
}

/** Resolves when a request goes all the way (nginx, an instance, PostgreSQL), or when nobody waits for it any more. */
async function goesAllTheWay(url: string, { isVain, trouble, say }: Waiting): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  let lookMs = performance.now() + TROUBLE_EVERY_MS;
  while (!isVain()) {
    const answer = await ask(url, '/payments-summary').catch((error: Error) => error);
    if (!(answer instanceof Error) && answer.status === 200) return;
    const nowMs = performance.now();
    if (nowMs >= lookMs) {
      for (const text of trouble.fresh()) say(`npm start: ${text}`);
      lookMs = nowMs + TROUBLE_EVERY_MS;
    }
    if (nowMs > deadline) {
      const found = answer instanceof Error ? answer.message : `${answer.status} ${answer.body}`;
      const why = trouble.last ?? found;
      throw new StartError(`the system started and does not answer: ${why}`);
    }
    await sleep(READY_EVERY_MS);
  }
}

async function run(settings: StartSettings): Promise<void> {
  const started: Part[][] = [];
  let stopping = false;
  let hasty = false;
  const wished = stopWish(
    () => {
      stopping = true;
    },
    () => {
      hasty = true;
      for (const part of started.flat()) part.hasten();
    },
  );
  const directory = await DataDirectory.open(settings.dataDirectory);
  const live = new LiveLine(instanceSockets(directory));

  const start = async (): Promise<void> => {
    await ensurePortsFree(settings);
    for (const plans of await planParts(settings, directory)) {
      if (stopping) return;
      const group = plans.map((plan) => new Part(plan, (line) => live.say(line)));
      started.push(group);
      await Promise.all(group.map((part) => part.start()));
    }
    if (stopping) return;
    const url = `http://127.0.0.1:${settings.port}`;
    await goesAllTheWay(url, {
      isVain: () => stopping,
      trouble: new LedgerTrouble(instanceLogs(directory)),
      say: (line) => live.say(line),
    });
    if (stopping) return;
    process.stdout.write(`ready ${url}\n`);
    live.start();
  };

  const starting = start();
  try {
    await Promise.race([starting, wished]);
    await wished;
  } finally {
    stopping = true;
    live.stop();
    for (const group of started.toReversed()) {
      if (hasty) for (const part of group) part.hasten();
      await Promise.all(group.map((part) => part.stop()));
    }
    await Promise.allSettled([starting]);
    await directory.close();
  }
}

// Whoever read our output may be gone; that is no reason to fall over.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});
// PGPORT and the like would lead our database, and whoever asks for it, elsewhere.
forgetPgVariables(process.env);
try {
  await run(readSettings(process.env));
  process.exit(0);
} catch (error) {
  // What the system refuses us is no fault of this program: its message says it all.
  const explained = error instanceof StartError || (error as NodeJS.ErrnoException).syscall;
  const reason = explained ? (error as Error).message : String((error as Error).stack);
  process.stderr.write(`npm start: ${reason}\n`);
  process.exit(1);
}
