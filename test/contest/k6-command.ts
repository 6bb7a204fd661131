// `npm run k6` as a process of its own.
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const COMMAND = fileURLToPath(new URL('../../tools/contest/k6.js', import.meta.url));

export async function runCommand(
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  started: (child: ChildProcess) => void = () => undefined,
): Promise<{ readonly code: number | null; readonly printed: string }> {
  const child = spawn(process.execPath, [COMMAND, ...args], { env });
  started(child);
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, printed: Buffer.concat(chunks).toString() };
}
