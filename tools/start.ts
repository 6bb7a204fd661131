// `npm start`: the whole system on this machine, for as long as this process lives: PostgreSQL, two
// simulated processors, two instances, and nginx in front. A part that dies is started again.

import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { forgetPgVariables } from '../src/config/database-address.ts';
import { readCommandLine } from './command-line.ts';
import { ask } from './system/ask.ts';
import { DataDirectory } from './system/data-directory.ts';
import { LedgerTrouble } from './system/ledger-trouble.ts';
import { LiveLine } from './system/live-line.ts';
import { waitingIn } from './system/waiting.ts';
import { Part } from './system/part.ts';
import { instanceLogs, instanceSockets, planParts } from './system/parts.ts';
import { ensureFree } from './system/ports.ts';
import { readSettings, StartError, type StartSettings } from './system/settings.ts';
import { stopWish } from './system/stop-wish.ts';

const READY_WITHIN_MS = 30_000;
const READY_EVERY_MS = 20;
const TROUBLE_EVERY_MS = 200;

async function ensurePortsFree(settings: StartSettings): Promise<void> {
  const { processorUrls, simulators } = settings;
  const wanted = [ensureFree(settings.port, 'PORT'), ensureFree(settings.adminPort, 'ADMIN_PORT')];
  if (!processorUrls[0]) wanted.push(ensureFree(simulators[0].port, 'SIMULATOR_DEFAULT_PORT'));
  if (!processorUrls[1]) wanted.push(ensureFree(simulators[1].port, 'SIMULATOR_FALLBACK_PORT'));
  await Promise.all(wanted);
}

interface Waiting {
  readonly isVain: () => boolean;
  readonly trouble: LedgerTrouble;
  readonly say: (line: string) => void;
}

/** Resolves when a request passes through nginx, an instance and PostgreSQL, or `isVain`. */
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
  const say = (line: string): void => live.say(line);

  const start = async (): Promise<void> => {
    await ensurePortsFree(settings);
    for (const plans of await planParts(settings, directory)) {
      if (stopping) return;
      const group = plans.map((plan) => new Part(plan, say));
      started.push(group);
      await Promise.all(group.map((part) => part.start()));
    }
    if (stopping) return;
    const url = `http://127.0.0.1:${settings.port}`;
    await goesAllTheWay(url, {
      isVain: () => stopping,
      trouble: new LedgerTrouble(instanceLogs(directory)),
      say,
    });
    if (stopping) return;
    say(`npm start: logs in ${dirname(instanceLogs(directory)[0] ?? '')}`);
    say(`npm start: admin sockets ${directory.socket('admin-0')}, ${directory.socket('admin-1')}`);
    say(`npm start: page http://127.0.0.1:${settings.adminPort}/#token=${settings.adminToken}`);
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
    for (const journal of [0, 1].map((number) => directory.file(`journal-${number}`))) {
      const payments = waitingIn(journal);
      if (payments > 0) say(`npm start: payments that wait in ${journal}: ${payments}`);
    }
    await directory.close();
  }
}

readCommandLine({
  name: 'start',
  does:
    'Runs the whole system: PostgreSQL, two simulated processors, two instances and nginx. ' +
    'Prints "ready" with the address once a request passes through all of it. SIGTERM or Ctrl-C ' +
    'finishes what is under way and stops everything; a second one stops it at once.',
  takes: 'Takes some seconds to start; the first time it also installs and builds what is missing.',
  environment: {
    PORT: 'the port of nginx (default: 9999)',
    ADMIN_PORT: 'the port of the page, on 127.0.0.1 (default: 9990)',
    ADMIN_TOKEN: 'what opens the page (default: a random one at each start)',
    DATA_DIR: 'the directory of the data (default: .data)',
    DATABASE_URL: 'the ledger, in place of a PostgreSQL that is started',
    PROCESSOR_DEFAULT_URL: 'the default processor, in place of a simulated one',
    PROCESSOR_FALLBACK_URL: 'the fallback processor, in place of a simulated one',
    SIMULATOR_DEFAULT_PORT: 'the port of the simulated default processor (default: 8001)',
    SIMULATOR_FALLBACK_PORT: 'the port of the simulated fallback processor (default: 8002)',
    FEE_DEFAULT_BPS: 'its fee in hundredths of a percent (default: 500)',
    FEE_FALLBACK_BPS: 'the same of the fallback processor (default: 1500)',
    CLIENT_REQUESTS_MAX: 'requests of one client at once; more are 429 (default: 0, no limit)',
    TRUSTED_PROXIES:
      'addresses and networks, with commas, of proxies whose X-Forwarded-For says who the client ' +
      'is (default: none)',
    '…': 'and every setting of an instance: see README.md',
  },
});
// Whoever reads the output may be gone; that is no reason to fall over.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});
// PGPORT and the like would change where our database listens and where its clients connect.
forgetPgVariables(process.env);
try {
  await run(readSettings(process.env));
  process.exit(0);
} catch (error) {
  // An error of the operating system is no fault of this program: the message is enough.
  const explained = error instanceof StartError || (error as NodeJS.ErrnoException).syscall;
  const reason = explained ? (error as Error).message : String((error as Error).stack);
  process.stderr.write(`npm start: ${reason}\n`);
  process.exit(1);
}
