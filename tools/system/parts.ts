// What each part of the system is started with: PostgreSQL, the simulators, the instances and nginx, all on this machine.

import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { pgParameters } from '../../src/ledger/session.ts';
import { DEFAULT, FALLBACK, PROCESSORS } from '../../src/payment.ts';
import { answers, ask } from './ask.ts';
import type { DataDirectory } from './data-directory.ts';
import { prepareNginx } from './nginx.ts';
import type { PartPlan } from './part.ts';
import { prepareServer, socketUrl } from './postgres.ts';
import type { SimulatorSettings, StartSettings } from './settings.ts';

const INSTANCES = 2;
const SIMULATOR = new URL('../simulator.js', import.meta.url);
const INSTANCE = new URL('../../src/main.js', import.meta.url);

const node = (script: URL, ...words: readonly string[]): readonly string[] => [
  process.execPath,
  '--enable-source-maps',
  fileURLToPath(script),
  ...words,
];

export const instanceSockets = (directory: DataDirectory): readonly string[] =>
  Array.from({ length: INSTANCES }, (_, number) => directory.socket(`api-${number}.sock`));

export const instanceLogs = (directory: DataDirectory): readonly string[] =>
  Array.from({ length: INSTANCES }, (_, number) => directory.logPath(`instance-${number}`));

/** The plans in groups: a group starts when all before it are up, and ends when all after it have ended. */
export async function planParts(
  settings: StartSettings,
  directory: DataDirectory,
): Promise<readonly (readonly PartPlan[])[]> {
  const simulators = PROCESSORS.filter((processor) => !settings.processorUrls[processor]);
  const stores = simulators.map((processor) =>
    simulator(settings.simulators[processor], directory),
  );
  if (!settings.databaseUrl) stores.push(postgres(directory));
  const sockets = instanceSockets(directory);
  return [
    await Promise.all(stores),
    await Promise.all(sockets.map((_, number) => instance(number, settings, directory))),
    [await nginx(settings, directory, sockets)],
  ];
}

async function postgres(directory: DataDirectory): Promise<PartPlan> {
  const socketDirectory = directory.socket('postgres');
  const { command, user } = await prepareServer({
    dataDirectory: directory.file('postgres'),
    socketDirectory,
    tcpPort: 0,
    durable: true,
  });
  return {
    name: 'postgres',
    command,
    user,
    logPath: await directory.log('postgres'),
    isUp: () => databaseAnswers(socketUrl(socketDirectory)),
    // Fast shutdown; SIGQUIT recovers from the log of writes at the next start.
    stopSignal: 'SIGINT',
    stopWithinMs: 30_000,
    hastySignal: 'SIGQUIT',
    deathSignal: 'SIGINT',
  };
}

async function simulator(
  { name, port, feePercent }: SimulatorSettings,
  directory: DataDirectory,
): Promise<PartPlan> {
  const words = ['--name', name, '--port', `${port}`, '--fee', `${feePercent}`];
  return {
    name: `${name} processor`,
    command: node(SIMULATOR, ...words, '--state', directory.file(`${name}.state`)),
    logPath: await directory.log(`processor-${name}`),
    isUp: () => answers(`http://127.0.0.1:${port}`),
    stopSignal: 'SIGTERM',
    stopWithinMs: 5_000,
    hastySignal: 'SIGKILL',
    deathSignal: 'SIGTERM',
  };
}

async function instance(
  number: number,
  settings: StartSettings,
  directory: DataDirectory,
): Promise<PartPlan> {
  const sockets = instanceSockets(directory);
  const { databaseUrl, processorUrls, simulators } = settings;
  const processorUrl = (processor: 0 | 1): string =>
    processorUrls[processor] ?? `http://127.0.0.1:${simulators[processor].port}`;
  // Our simulators answer 500 before anything is stored; of a processor that is given we know no
  // such thing.
  const outcomes = (name: string, processor: 0 | 1): string =>
    process.env[name] || (processorUrls[processor] === undefined ? 'contest' : 'strict');
  const socketPath = sockets[number] as string;
  return {
    name: `instance ${number}`,
    command: node(INSTANCE),
    environment: {
      SOCKET_PATH: socketPath,
      PEER_SOCKET_PATHS: sockets.join(','),
      JOURNAL_PATH: directory.file(`journal-${number}`),
      DATABASE_URL: databaseUrl ?? socketUrl(directory.socket('postgres')),
      PROCESSOR_DEFAULT_URL: processorUrl(DEFAULT),
      PROCESSOR_FALLBACK_URL: processorUrl(FALLBACK),
      OUTCOMES_DEFAULT: outcomes('OUTCOMES_DEFAULT', DEFAULT),
      OUTCOMES_FALLBACK: outcomes('OUTCOMES_FALLBACK', FALLBACK),
      ALLOW_PURGE: process.env['ALLOW_PURGE'] || '1',
    },
    logPath: await directory.log(`instance-${number}`),
    isUp: async () => (await ask(socketPath, '/internal/status')).status === 200,
    stopSignal: 'SIGTERM',
    // An instance has its own bound for draining (DRAIN_MS, 10 s by default).
    stopWithinMs: Number(process.env['DRAIN_MS'] || 10_000) + 5_000,
    hastySignal: 'SIGKILL',
    // When we are killed the others go at once, so draining would have nowhere to go; the journal keeps what is left.
    deathSignal: 'SIGKILL',
  };
}

async function nginx(
  { port }: StartSettings,
  directory: DataDirectory,
  socketPaths: readonly string[],
): Promise<PartPlan> {
  const listen = `127.0.0.1:${port}`;
  return {
    name: 'nginx',
    command: await prepareNginx(directory.file('nginx'), { listen, socketPaths }),
    logPath: await directory.log('nginx'),
    isUp: () => answers(`http://${listen}`),
    // Answers what it has begun; SIGTERM doesn't.
    stopSignal: 'SIGQUIT',
    stopWithinMs: 5_000,
    hastySignal: 'SIGTERM',
    deathSignal: 'SIGTERM',
  };
}

async function databaseAnswers(url: string): Promise<boolean> {
  const client = new pg.Client(pgParameters({ url, name: 'repasse-start', timeoutMs: 2_000 }));
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } finally {
    await client.end();
  }
}
