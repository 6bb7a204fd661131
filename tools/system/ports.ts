// Checks that a port is free, before anything starts.

import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { StartError } from './settings.ts';

/** A system that was just killed may hold it for a moment. */
const PATIENCE_MS = 2_000;
const AGAIN_MS = 100;

/** @throws StartError when something else listens there. `setting` names the port, if one does. */
export async function ensureFree(port: number, setting?: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const code = await tryPort(port);
    if (code === undefined) return;
    const name = setting === undefined ? '' : ` (${setting})`;
    if (code !== 'EADDRINUSE') throw new StartError(`port ${port}${name}: ${code}`);
    if (performance.now() >= deadline) {
      const or = setting === undefined ? '' : ` or set ${setting}`;
      throw new StartError(`port ${port} is in use: stop what listens there${or}`);
    }
    await sleep(AGAIN_MS);
  }
}

/** The code of the error with which listening fails. */
function tryPort(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, '127.0.0.1', () => {
      server.close(() => resolve(undefined));
    });
  });
}
