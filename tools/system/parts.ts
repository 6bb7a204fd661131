// How each part of the system is started: PostgreSQL, the simulators, the instances and nginx.

import pg from 'pg';
import { ConfigError, readConfig, type Environment } from '../../src/config/config.ts';
import { pgParameters } from '../../src/ledger/session.ts';
import { DEFAULT, FALLBACK, PROCESSORS } from '../../src/payment.ts';
import { ask } from './ask.ts';
import type { DataDirectory } from './data-directory.ts';
import { instancePlan, nginxPlan, simulatorPlan } from './kinds.ts';
import { believing } from './nginx.ts';
import type { PartPlan } from './part.ts';
import { prepareServer, socketUrl } from './postgres.ts';
import { StartError, type SimulatorSettings, type StartSettings } from './settings.ts';

const INSTANCES = 2;

export const instanceSockets = (directory: DataDirectory): readonly string[] =>
  Array.from({ length: INSTANCES }, (_, number) => directory.socket(`api-${number}.sock`));

export const instanceLogs = (directory: DataDirectory): readonly string[] =>
  Array.from({ length: INSTANCES }, (_, number) => directory.logPath(`instance-${number}`));

/** In groups: a group starts after the ones before it, and ends after the ones behind it. */
export async function planParts(
  settings: StartSettings,
  directory: DataDirectory,
): Promise<readonly (readonly PartPlan[])[]> {
  // First: what is wrong with a setting is said before anything is made or started.
  const sockets = instanceSockets(directory);
  const instances = await Promise.all(sockets.map((_, n) => instance(n, settings, directory)));
  const simulators = PROCESSORS.filter((processor) => !settings.processorUrls[processor]);
  const stores = simulators.map((processor) =>
    simulator(settings.simulators[processor], directory),
  );
  if (!settings.databaseUrl) stores.push(postgres(directory));
  return [await Promise.all(stores), instances, [await nginx(settings, directory, sockets)]];
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

const simulator = async (
  settings: SimulatorSettings,
  directory: DataDirectory,
): Promise<PartPlan> =>
  simulatorPlan(settings, {
    host: '127.0.0.1',
    statePath: directory.file(`${settings.name}.state`),
    logPath: await directory.log(`processor-${settings.name}`),
  });

async function instance(
  number: number,
  settings: StartSettings,
  directory: DataDirectory,
): Promise<PartPlan> {
  const sockets = instanceSockets(directory);
  const { databaseUrl, processorUrls, simulators } = settings;
  const processorUrl = (processor: 0 | 1): string =>
    processorUrls[processor] ?? `http://127.0.0.1:${simulators[processor].port}`;
  // Our simulators answer 500 before anything is stored; of another processor that is not known.
  const outcomes = (name: string, processor: 0 | 1): string =>
    process.env[name] || (processorUrls[processor] === undefined ? 'contest' : 'strict');
  const socketPath = sockets[number] as string;
  const environment = {
    SOCKET_PATH: socketPath,
    PEER_SOCKET_PATHS: sockets.join(','),
    JOURNAL_PATH: directory.file(`journal-${number}`),
    DATABASE_URL: databaseUrl ?? socketUrl(directory.socket('postgres')),
    PROCESSOR_DEFAULT_URL: processorUrl(DEFAULT),
    PROCESSOR_FALLBACK_URL: processorUrl(FALLBACK),
    OUTCOMES_DEFAULT: outcomes('OUTCOMES_DEFAULT', DEFAULT),
    OUTCOMES_FALLBACK: outcomes('OUTCOMES_FALLBACK', FALLBACK),
    ALLOW_PURGE: process.env['ALLOW_PURGE'] || '1',
    ADMIN_LISTEN: adminAddresses(number, settings, directory),
    ADMIN_TOKEN: settings.adminToken,
  };
  checkSettings({ ...process.env, ...environment });
  return instancePlan({
    name: `instance ${number}`,
    environment,
    logPath: await directory.log(`instance-${number}`),
    isUp: async () => (await ask(socketPath, '/internal/status')).status === 200,
  });
}

/** @throws StartError naming a setting of an instance that can't be used */
function checkSettings(environment: Environment): void {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) throw new StartError(error.message);
    throw error;
  }
}

/** Each has a socket. The first one has the page's port, too: its figures are of all instances. */
function adminAddresses(
  number: number,
  { adminPort }: StartSettings,
  directory: DataDirectory,
): string {
  const socket = directory.socket(`admin-${number}`);
  return number === 0 ? `${socket},127.0.0.1:${adminPort}` : socket;
}

async function nginx(
  { port, clientRequestsMax, trustedProxies }: StartSettings,
  directory: DataDirectory,
  socketPaths: readonly string[],
): Promise<PartPlan> {
  const listen = `127.0.0.1:${port}`;
  const clients = { requestsMax: clientRequestsMax, addressLines: believing(trustedProxies) };
  return nginxPlan(
    { listen, socketPaths, clients },
    { directory: directory.file('nginx'), logPath: await directory.log('nginx') },
  );
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
