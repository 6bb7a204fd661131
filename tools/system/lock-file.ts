// A lock that ends with this process, or before.

import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { StartError } from './settings.ts';

/**
 * `flock` locks the file that it shares with this process. The lock ends when the returned function
 * is called, or with this process.
 * @throws StartError with the text of `taken` when another process has the lock.
 */
export function lockFile(path: string, taken: string): () => void {
  const descriptor = openSync(path, 'a');
  const stdio = ['ignore', 'ignore', 'ignore', descriptor] as const;
  const { status, error } = spawnSync('flock', ['--exclusive', '--nonblock', '3'], {
    stdio: [...stdio],
  });
  if (error) throw error;
  if (status !== 0) {
    closeSync(descriptor);
    throw new StartError(taken);
  }
  return () => closeSync(descriptor);
}
