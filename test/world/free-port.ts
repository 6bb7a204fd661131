// A port for a part that can't choose one and report it.

import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below the ports that Linux gives to connections and to servers that ask for any
 * (net.ipv4.ip_local_port_range): none of those takes a port between the answer and its use, or
 * while the part is restarted.
 */
const [LOWEST, HIGHEST] = [10_000, 32_767];

const given = new Set<number>();

/** A port of 127.0.0.1 that is free, and that this process wasn't given before. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST + 1);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const isListening = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  if (isListening) await new Promise((resolve) => server.close(resolve));
  return isListening;
}
