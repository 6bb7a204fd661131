// iproute2: what makes namespaces and links, and who runs in a namespace.

import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { StartError } from '../system/settings.ts';

const run = promisify(execFile);
const AGAIN_MS = 10;
const GONE_WITHIN_MS = 10_000;

/** Runs `ip`; what it printed. @throws StartError with what it complained about. */
export async function ip(...words: readonly string[]): Promise<string> {
  try {
    return (await run('ip', [...words])).stdout;
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim() || (error as Error).message;
    throw new StartError(`ip ${words.join(' ')}: ${said}`);
  }
}

export async function namespaces(): Promise<readonly string[]> {
  const lines = (await ip('netns', 'list')).split('\n');
  return lines.map((line) => line.split(' ')[0] ?? '').filter((name) => name !== '');
}

async function processesIn(namespace: string): Promise<readonly number[]> {
  const text = await ip('netns', 'pids', namespace);
  return text.split('\n').filter(Boolean).map(Number);
}

/** kill -9 of everything that runs there, also of what is started meanwhile. */
export async function killAllIn(namespace: string): Promise<void> {
  const deadline = performance.now() + GONE_WITHIN_MS;
  for (;;) {
    const pids = await processesIn(namespace);
    if (pids.length === 0) return;
    if (performance.now() > deadline) {
      throw new StartError(`processes in ${namespace} do not end: ${pids.join(', ')}`);
    }
    for (const pid of pids) kill(pid);
    await sleep(AGAIN_MS);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It left by itself.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
