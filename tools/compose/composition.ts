// The submission's compose file with the simulated processors, as a project of its own: up, down, and what a test does to a part.

import { fileURLToPath } from 'node:url';
import { EXACT_IMAGES } from '../submission/images.ts';
import { killProcess } from './container-process.ts';
import { docker, usage } from './docker.ts';
import type { How } from './killing.ts';
import type { Usage } from './usage.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** Not the project of whoever tries it by hand: its volumes are deleted in the end. */
const PROJECT = 'repasse-test';
const FILES = ['docker-compose.yml', 'docker/compose.local.yml'] as const;

/** More compose files, and variables for all of them. */
export interface Arrangement {
  readonly files: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

let arrangement: Arrangement = { files: [], environment: {} };

const IMAGES = { instance: 'repasse:test', simulator: 'repasse-simulator:test' } as const;
const ENVIRONMENT = {
  REPASSE_IMAGE: IMAGES.instance,
  REPASSE_SIMULATOR_IMAGE: IMAGES.simulator,
  // As submitted, where a registry can be reached.
  ...(process.env['EXACT_IMAGES'] === '1' ? EXACT_IMAGES : {}),
} as const;

/** From the next `up` on. */
export function arrange(wanted: Arrangement): void {
  arrangement = wanted;
}

function compose(...args: readonly string[]): Promise<string> {
  const files = [...FILES, ...arrangement.files].map((path) => `--file=${ROOT}${path}`);
  const project = [`--project-name=${PROJECT}`, `--project-directory=${ROOT}`];
  return docker(['compose', ...project, ...files, ...args], {
    ...ENVIRONMENT,
    ...arrangement.environment,
  });
}

/** The parts that the contest's limits are about. */
const LIMITED = ['nginx', 'api1', 'api2', 'postgres'] as const;

/** `flags` are for `docker build`. */
export async function buildImages(flags: readonly string[]): Promise<void> {
  for (const target of ['instance', 'simulator'] as const) {
    const where = ['--file', `${ROOT}docker/Dockerfile`, '--target', target, '--tag'];
    await docker(['build', ...flags, ...where, IMAGES[target], ROOT]);
  }
}

/** Resolves when all containers are started, which is before they answer. */
export async function up(): Promise<void> {
  await compose('up', '--detach', '--no-build');
}

/** Removes everything, volumes too. */
export async function down(): Promise<void> {
  containers.clear();
  crashed.clear();
  await compose('down', '--volumes', '--timeout', '20');
}

export const logs = (): Promise<string> => compose('logs', '--no-color', '--timestamps');

/** Kills a part without a word. Resolves at once, or, where the engine has to do it, once the part is started again. */
export async function kill(service: string): Promise<How> {
  const id = await containerOf(service);
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
  return Number(await inspect(service, '{{.State.Pid}}'));
}

/** Whether this very instance answers, asked from inside its container. */
export async function instanceAnswers(service: string): Promise<boolean> {
  const curl = 'curl --fail --silent --output /dev/null --max-time 1 --unix-socket "$SOCKET_PATH"';
  const id = await containerOf(service);
  return docker(['exec', id, 'sh', '-c', `exec ${curl} http://instance/internal/status`]).then(
    () => true,
    () => false,
  );
}

/** Where a part is, past the port that Docker publishes: its proxy for that gives up under a burst of connections. */
export async function addressOf(service: string): Promise<string> {
  const form = '{{range .NetworkSettings.Networks}}{{println .IPAddress}}{{end}}';
  const text = await docker(['inspect', '--format', form, await containerOf(service)]);
  return text.trim().split('\n')[0] ?? '';
}

export async function usageByService(): Promise<ReadonlyMap<string, Usage>> {
  const used = new Map<string, Usage>();
  for (const service of LIMITED) used.set(service, await usage(await containerOf(service)));
  return used;
}

/** What befell a part besides our kill: the kernel killed it for its memory, or it ended by itself. */
export async function mishaps(): Promise<string[]> {
  const found: string[] = [];
  for (const service of LIMITED) {
    const state = await inspect(service, '{{.State.OOMKilled}} {{.RestartCount}}');
    const [outOfMemory, restarts] = state.split(' ');
    if (outOfMemory !== 'false') found.push(`${service}: killed for its memory`);
    const own = Number(restarts) - (crashed.has(service) ? 1 : 0);
    if (own !== 0) found.push(`${service}: ended by itself, restarts: ${own}`);
  }
  return found;
}

/** Lines of the answer, columns parted by a space. */
export async function askLedger(sql: string): Promise<string[]> {
  const psql = ['psql', '--host=/run/sockets', '--username=repasse', '--dbname=repasse'];
  const form = ['--no-align', '--tuples-only', '--field-separator= ', '--command', sql];
  const text = await docker(['exec', await containerOf('postgres'), ...psql, ...form]);
  return text.split('\n').filter((line) => line !== '');
}

async function inspect(service: string, format: string): Promise<string> {
  return (await docker(['inspect', '--format', format, await containerOf(service)])).trim();
}

/** Parts that we killed as a crash, once each: the engine counts it among their restarts. */
const crashed = new Set<string>();

const containers = new Map<string, string>();

async function containerOf(service: string): Promise<string> {
  const known = containers.get(service);
  if (known !== undefined) return known;
  const id = (await compose('ps', '--all', '--quiet', service)).trim();
  if (id === '') throw new Error(`${service} has no container`);
  containers.set(service, id);
  return id;
}
