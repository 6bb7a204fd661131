// Docker: its command, and, for the figures of a container, the API of its engine.

import { text } from 'node:stream/consumers';
import { ask } from '../system/ask.ts';
import { ended, spawnTethered, stopAt } from '../system/tethered.ts';
import { usageOf, type Usage } from './usage.ts';

const STDERR_LINES = 5;
const API_TIMEOUT_MS = 10_000;
/** From `stop` until the command is killed. */
const GRACE_MS = 10_000;

export interface DockerOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** Ends the command early. A terminal's Ctrl-C doesn't reach it. */
  readonly stop?: AbortSignal;
}

/**
 * What `docker …` wrote to stdout.
 * @throws Error with the last lines that it wrote to stderr, or with the reason of `stop`.
 */
export async function docker(
  args: readonly string[],
  { environment, stop }: DockerOptions = {},
): Promise<string> {
  stop?.throwIfAborted();
  const child = spawnTethered(['docker', ...args], {
    deathSignal: 'SIGTERM',
    stdio: ['ignore', 'pipe', 'pipe'],
    environment,
  });
  // Where even `setpriv` is missing; the end is seen all the same.
  child.once('error', () => {});
  // Compose is a child of `docker`: both hear of it.
  const release = stop === undefined ? undefined : stopAt(stop, child, 'SIGTERM', GRACE_MS);
  const streams = [child.stdout, child.stderr].map((stream) => (stream ? text(stream) : ''));
  const [code, stdout = '', stderr = ''] = await Promise.all([ended(child), ...streams]);
  release?.();
  if (code === 0) return stdout;
  stop?.throwIfAborted();
  const reason = stderr.trim().split('\n').slice(-STDERR_LINES).join('\n') || `ended with ${code}`;
  throw new Error(`docker ${args.slice(0, 3).join(' ')} …: ${reason}`);
}

/** What is missing of Docker, in one line; undefined when nothing is. */
export async function whatIsMissing(): Promise<string | undefined> {
  const needs = [
    [['--version'], 'the docker command'],
    [['compose', 'version'], 'Compose v2 (docker compose)'],
    [['info', '--format', '{{.ServerVersion}}'], 'a running Docker engine that this user may use'],
  ] as const;
  for (const [args, what] of needs) {
    try {
      await docker(args, { stop: AbortSignal.timeout(API_TIMEOUT_MS) });
    } catch {
      return what;
    }
  }
  return undefined;
}

/** What a container uses now, and has used since it started. */
export async function usage(containerId: string): Promise<Usage> {
  const engine = process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock';
  const path = `/containers/${containerId}/stats?stream=false&one-shot=true`;
  const { status, body } = await ask(engine.replace(/^unix:\/\//, ''), path, API_TIMEOUT_MS);
  if (status !== 200) throw new Error(`Docker answered ${status} to ${path}: ${body.trim()}`);
  return usageOf(JSON.parse(body));
}
