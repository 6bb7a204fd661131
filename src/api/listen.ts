// Has a server listen at a Unix socket or a port.

import { chmodSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AdminAddress } from '../config/admin-address.ts';
import { freeSocketPath } from './socket-path.ts';

/**
 * Resolves when `server` listens at `address`, which `setting` names. A Unix socket is for its
 * owner and its group alone.
 * @throws if the address can't be used
 */
export async function listen(
  server: Server,
  address: AdminAddress,
  setting: string,
): Promise<void> {
  if ('path' in address) await freeSocketPath(address.path, setting);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, resolve);
  });
  if ('path' in address) chmodSync(address.path, 0o660);
}
