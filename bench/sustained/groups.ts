// The submission's parts without Docker: processes in control groups with the compose file's limits
// and settings. nginx, PostgreSQL and Node.js are those of this machine, not those of the images.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DatabaseServer } from '../../test/world/database.ts';
import { Front } from '../../test/world/front.ts';
import { makeInstances } from '../../test/world/instances.ts';
import { Processor } from '../../test/world/processor.ts';
import { makeTempDirectory, removeTempDirectory } from '../../test/world/temp-directory.ts';
import { waitUntil } from '../../test/world/wait-until.ts';
import { Endpoints } from '../../tools/audit/endpoints.ts';
import { TOKEN } from '../../tools/compose/running.ts';
import { installedPrograms } from '../../tools/system/postgres.ts';
import { familyCpuMs } from '../../tools/system/processes.ts';
import { readServices, type Service } from './compose-services.ts';
import { ControlGroup, removeLeftGroups } from './control-group.ts';
import { connectTo } from './ledger-connection.ts';
import type { Stage } from './stage.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const INSTANCES = ['api1', 'api2'] as const;
const PREFIX = 'repasse';
const PARTS = ['nginx', ...INSTANCES, 'postgres'] as const;
type Part = (typeof PARTS)[number];
/** The places of the containers, for which the parts here have others. */
const ELSEWHERE = /^(?:unix_socket|listen_addresses|max_connections)/;

/** What was opened is closed in the opposite order. */
class Opened {
  readonly #closers: (() => Promise<unknown> | void)[] = [];

  add<T>(opened: T, close: (opened: T) => Promise<unknown> | void): T {
    this.#closers.unshift(() => close(opened));
    return opened;
  }

  async close(): Promise<void> {
    for (const closer of this.#closers.splice(0)) await closer();
  }
}

/** `files` change the submission; their paths are relative to the root of the project. */
export async function openGroups(files: readonly string[]): Promise<Stage> {
  const opened = new Opened();
  try {
    return await open(opened, files);
  } catch (error) {
    await opened.close();
    throw error;
  }
}

async function open(opened: Opened, files: readonly string[]): Promise<Stage> {
  const services = readServices(['docker-compose.yml', ...files].map((path) => join(ROOT, path)));
  const groups = makeGroups(opened, services);
  const starting = <T>(part: Part, start: () => Promise<T>): Promise<T> =>
    (groups.get(part) as ControlGroup).starting(start);
  const directory = opened.add(makeTempDirectory(), removeTempDirectory);
  const databaseUrl = await openDatabase(opened, starting);
  const processors = await Promise.all(
    (['default', 'fallback'] as const).map((name, index) =>
      Processor.start({ name, feePercent: 5 + 10 * index, stateFile: join(directory, name) }),
    ),
  );
  for (const processor of processors) opened.add(processor, (one) => one.close());
  const [first, second] = processors.map(({ url }) => url) as [string, string];
  const instances = makeInstances(directory, INSTANCES.length, (number) => ({
    ...services.get(INSTANCES[number] as Part)?.environment,
    DATABASE_URL: databaseUrl,
    PROCESSOR_DEFAULT_URL: first,
    PROCESSOR_FALLBACK_URL: second,
  }));
  for (const [number, instance] of instances.entries()) {
    opened.add(instance, (one) => one.close());
    await starting(INSTANCES[number] as Part, async () => instance.start());
  }
  for (const instance of instances) {
    await instance.waitReady();
    await instance.becomes('agreed');
  }
  const sockets = instances.map(({ socketPath }) => socketPath);
  const front = await starting('nginx', () => Front.start(directory, sockets));
  opened.add(front, (one) => one.close());
  return {
    name: 'in control groups, without containers',
    to: { host: '127.0.0.1', port: Number(new URL(front.url).port) },
    endpoints: new Endpoints({ backend: front.url, processors: [first, second] }, TOKEN),
    containers: [],
    openLedger: () => connectTo(databaseUrl),
    usage: async () => new Map([...groups].map(([part, group]) => [part, group.usage()])),
    processorsCpuMs: async () => processors.reduce((sum, { pid }) => sum + familyCpuMs(pid), 0),
    close: () => opened.close(),
  };
}

function makeGroups(
  opened: Opened,
  services: ReadonlyMap<string, Service>,
): ReadonlyMap<Part, ControlGroup> {
  removeLeftGroups(PREFIX);
  const groups = PARTS.map((part) => {
    const limits = services.get(part)?.limits;
    if (limits === undefined) throw new Error(`docker-compose.yml has no limits for ${part}`);
    const group = new ControlGroup(`${PREFIX}-${process.pid}-${part}`, limits);
    // The last one of its processes may need a moment to be gone.
    opened.add(group, (one) => waitUntil(`the group of ${part} is empty`, () => one.remove()));
    return [part, group] as const;
  });
  return new Map(groups);
}

/** A server with the submission's settings, and an empty database in it; its URL. */
async function openDatabase(
  opened: Opened,
  starting: <T>(part: Part, start: () => Promise<T>) => Promise<T>,
): Promise<string> {
  const programs = installedPrograms();
  const started = await DatabaseServer.start({ durable: true, ...(programs && { programs }) });
  const server = opened.add(started, (one) => one.close());
  const text = readFileSync(join(ROOT, 'docker/postgresql.conf'), 'utf8');
  const lines = text.split('\n').filter((line) => !ELSEWHERE.test(line));
  // The embedded PostgreSQL can't compress with lz4.
  const kept = lines.join('\n').replace('lz4', programs === undefined ? 'pglz' : 'lz4');
  await server.shutDown();
  writeFileSync(join(server.dataDirectory, 'postgresql.auto.conf'), kept);
  await starting('postgres', () => server.restart());
  return server.createDatabase();
}
