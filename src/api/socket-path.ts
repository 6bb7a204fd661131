// Makes the path of a Unix socket free for a server.

import { lstatSync, rmSync } from 'node:fs';
import { connect } from 'node:net';

/**
 * Removes the socket file that a crash left behind.
 * @throws naming `setting` if another process listens there, or if something else is at the path
 */
export async function freeSocketPath(path: string, setting: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error(`${setting} ${path} is there and is no socket`);
  if (await isListening(path)) throw new Error(`${setting} ${path} is in use by another process`);
  rmSync(path);
}

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
