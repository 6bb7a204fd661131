// Whether a port is ours to take, asked before anything starts.

import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { StartError } from './settings.ts';

/** A system that was killed a moment ago may still be letting go of it. */
const PATIENCE_MS = 2_000;
const AGAIN_MS = 100;

/** @throws StartError when something else listens there; `setting` is what names the port. */
export async function ensureFree(port: number, setting: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const code = await tryPort(port);
    if (code === undefined) return;
    if (code !== 'EADDRINUSE') throw new StartError(`port ${port} (${setting}): ${code}`);
    if (performance.now() >= deadline) {
      throw new StartError(`port ${port} is in use: stop what listens there or set ${setting}`);
    }
    await sleep(AGAIN_MS);
  }
}

/** What speaks against listening there: the error's code. */
function tryPort(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, '127.0.0.1', () => {
      server.close(() => resolve(undefined));
    });
  });
}
