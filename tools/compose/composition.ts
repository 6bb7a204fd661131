// The submission's compose file with the simulated processors, as a project of its own: how it is
// started and removed, and how a test inspects and kills a part.

import { fileURLToPath } from 'node:url';
import { EXACT_IMAGES } from './images.ts';
import { killProcess } from './container-process.ts';
import { docker, whatIsMissing } from './docker.ts';
import type { How } from './killing.ts';
import { Project } from './project.ts';
import { PsqlSession } from './psql-session.ts';
import type { Usage } from './usage.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** A name that nobody uses by hand, because the volumes are deleted at the end. */
const PROJECT = 'repasse-test';
const FILES = ['docker-compose.yml', 'docker/compose.local.yml'] as const;

/** For the --help of a command that runs this. */
export const DOCKER = {
  needs: 'Docker with Compose v2, and the ports 9999, 8001 and 8002',
  environment: {
    DOCKER_BUILD_FLAGS: 'more words for `docker build`, such as "--network host"',
    EXACT_IMAGES: '1: the base images with the exact tags of the submission',
  },
} as const;

/** More compose files, and variables for all of them. */
export interface Arrangement {
  readonly files: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** By the Dockerfile's targets. */
export const IMAGES = { instance: 'repasse:test', simulator: 'repasse-simulator:test' } as const;
const ENVIRONMENT = {
  REPASSE_IMAGE: IMAGES.instance,
  REPASSE_SIMULATOR_IMAGE: IMAGES.simulator,
  // As submitted, where a registry can be reached.
  ...(process.env['EXACT_IMAGES'] === '1' ? EXACT_IMAGES : {}),
} as const;

const projectOf = ({ files, environment }: Arrangement): Project =>
  new Project({
    name: PROJECT,
    directory: ROOT,
    files: [...FILES, ...files].map((path) => `${ROOT}${path}`),
    environment: { ...ENVIRONMENT, ...environment },
  });

let project = projectOf({ files: [], environment: {} });

/** Counts from the next `up`. */
export function arrange(wanted: Arrangement): void {
  project = projectOf(wanted);
}

/** The parts that the contest limits. */
const LIMITED = ['nginx', 'api1', 'api2', 'postgres'] as const;
const PROCESSORS = ['payment-processor-default', 'payment-processor-fallback'] as const;

/** @throws Error when Docker is missing, or with what a failed build printed last. */
export async function buildImages(): Promise<void> {
  const missing = await whatIsMissing();
  if (missing !== undefined) throw new Error(`needs ${missing}`);
  for (const target of ['instance', 'simulator'] as const) await buildImage(target);
}

/** From this checkout. */
export async function buildImage(target: keyof typeof IMAGES, stop?: AbortSignal): Promise<void> {
  const flags = process.env['DOCKER_BUILD_FLAGS']?.split(' ').filter(Boolean) ?? [];
  const where = ['--file', `${ROOT}docker/Dockerfile`, '--target', target, '--tag'];
  const words = ['build', ...flags, ...where, IMAGES[target], ROOT];
  await docker(words, stop === undefined ? {} : { stop });
}

/** Resolves when all containers are started; they may not answer yet. */
export const up = (): Promise<void> => project.up(['--no-build']);

/** Removes everything, volumes too. */
export async function down(): Promise<void> {
  crashed.clear();
  await project.down();
}

export const logs = (): Promise<string> => project.logs();

/**
 * Kills a part with SIGKILL. Resolves at once, or, where only the engine can kill it, once the part
 * is started again.
 */
export async function kill(service: string): Promise<How> {
  const id = await project.containerOf(service);
  if (await killProcess(await processOf(service), id)) {
    crashed.add(service);
    return 'its process';
  }
  await docker(['kill', '--signal', 'KILL', id]);
  await docker(['start', id]);
  return 'docker kill, then docker start';
}

/** The engine's number for a part's main process; 0 while there is none. */
export async function processOf(service: string): Promise<number> {
  return Number(await project.inspect(service, '{{.State.Pid}}'));
}

/** Whether this very instance answers, asked from inside its container. */
export async function instanceAnswers(service: string): Promise<boolean> {
  const curl = 'curl --fail --silent --output /dev/null --max-time 1 --unix-socket "$SOCKET_PATH"';
  const id = await project.containerOf(service);
  return docker(['exec', id, 'sh', '-c', `exec ${curl} http://instance/internal/status`]).then(
    () => true,
    () => false,
  );
}

/** A part's own address: Docker's proxy for the published port fails under many connections. */
export async function addressOf(service: string): Promise<string> {
  const form = '{{range .NetworkSettings.Networks}}{{println .IPAddress}}{{end}}';
  const text = await project.inspect(service, form);
  return text.split('\n')[0] ?? '';
}

export const usageByService = (): Promise<ReadonlyMap<string, Usage>> => project.usageOf(LIMITED);

export const usageOfProcessors = (): Promise<ReadonlyMap<string, Usage>> =>
  project.usageOf(PROCESSORS);

/** The ids of all containers. */
export const containers = (): Promise<string[]> =>
  Promise.all([...LIMITED, ...PROCESSORS].map((service) => project.containerOf(service)));

/** What happened to the parts besides our kills: one was out of memory, or ended by itself. */
export const mishaps = (): Promise<string[]> => project.mishaps(LIMITED, crashed);

const PSQL = ['psql', '--host=/run/ledger', '--username=repasse', '--dbname=repasse'] as const;

/** In PostgreSQL's container, so what it needs of CPU counts as PostgreSQL's. */
export async function openLedger(): Promise<PsqlSession> {
  const id = await project.containerOf('postgres');
  return new PsqlSession(['docker', 'exec', '--interactive', id, ...PSQL]);
}

/** The rows of the answer, with a space between the columns. */
export async function askLedger(sql: string): Promise<string[]> {
  const form = ['--no-align', '--tuples-only', '--field-separator= ', '--command', sql];
  const text = await docker(['exec', await project.containerOf('postgres'), ...PSQL, ...form]);
  return text.split('\n').filter((line) => line !== '');
}

/** The parts that we killed as a crash, once each: the engine counts that as a restart. */
const crashed = new Set<string>();
