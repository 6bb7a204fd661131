// Docker by its command, and its engine's figures of a container by its API: neither needs a package.

import { execFile } from 'node:child_process';
import { request } from 'node:http';
import { promisify } from 'node:util';
import { usageOf, type Usage } from './usage.ts';

const run = promisify(execFile);
const OUTPUT_BYTES_MAX = 256 * 2 ** 20;
const STDERR_LINES = 5;
const API_TIMEOUT_MS = 10_000;

/** Runs `docker …` and gives what it wrote to stdout. @throws Error with the end of what it wrote to stderr. */
export async function docker(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  try {
    const options = { maxBuffer: OUTPUT_BYTES_MAX, env: { ...process.env, ...env } };
    return (await run('docker', [...args], options)).stdout;
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    // What went wrong stands at the end.
    const reason = stderr.trim().split('\n').slice(-STDERR_LINES).join('\n') || message;
    throw new Error(`docker ${args.slice(0, 3).join(' ')} …: ${reason}`, { cause: error });
  }
}

/** What is missing to run anything here, in one line; undefined when nothing is. */
export async function whatIsMissing(): Promise<string | undefined> {
  const needs = [
    [['--version'], 'the docker command'],
    [['compose', 'version'], 'Compose v2 (docker compose)'],
    [['info', '--format', '{{.ServerVersion}}'], 'a running Docker engine that we may use'],
  ] as const;
  for (const [args, what] of needs) {
    try {
      await docker(args);
    } catch {
      return what;
    }
  }
  return undefined;
}

/** What a container uses now, and has used since it started. */
export async function usage(containerId: string): Promise<Usage> {
  return usageOf(await ask(`/containers/${containerId}/stats?stream=false&one-shot=true`));
}

/** GET at the engine's API, on its socket. */
function ask(path: string): Promise<unknown> {
  const host = process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock';
  const where = host.startsWith('unix://')
    ? { socketPath: host.slice('unix://'.length) }
    : { host: new URL(host).hostname, port: new URL(host).port };
  return new Promise((resolve, reject) => {
    const call = request({ ...where, path, agent: false, timeout: API_TIMEOUT_MS }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        text += chunk;
      });
      answer.on('error', reject);
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`Docker answered ${answer.statusCode} to ${path}: ${text.trim()}`));
      });
    });
    call.on('timeout', () => call.destroy(new Error(`Docker is silent about ${path}`)));
    call.on('error', reject);
    call.end();
  });
}
