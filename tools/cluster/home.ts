// Where a cluster keeps its files, and the lock on its network. The lock's file names a temporary
// directory for as long as it is there, so that a later start removes what a killed one left.

import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { lockFile } from '../system/lock-file.ts';
import { makeDirectory } from '../system/make-directory.ts';
import type { ClusterSettings } from './layout.ts';

const PREFIX = 'repasse-cluster-';

export interface Home {
  readonly directory: string;
  /** Removes a temporary directory, and ends the lock. */
  close(): void;
}

/** @throws StartError while another cluster runs on this network. */
export function lockNetwork(network: string): { readonly path: string; unlock(): void } {
  const path = `/run/${PREFIX}${network}`;
  const unlock = lockFile(
    path,
    `another cluster runs on ${network}.0/24: choose another --network`,
  );
  return { path, unlock };
}

/** Call it with the lock, when no process of an earlier cluster is left. */
export async function openHome(
  { dataDirectory }: ClusterSettings,
  lock: { readonly path: string; unlock(): void },
): Promise<Home> {
  removeTemporary(lock.path);
  if (dataDirectory !== undefined) {
    await makeDirectory(dataDirectory);
    return { directory: dataDirectory, close: () => lock.unlock() };
  }
  const directory = mkdtempSync(join(tmpdir(), PREFIX));
  writeFileSync(lock.path, directory);
  // PostgreSQL's user and nginx's worker pass through it.
  chmodSync(directory, 0o711);
  const close = (): void => {
    removeTemporary(lock.path);
    lock.unlock();
  };
  return { directory, close };
}

function removeTemporary(lockPath: string): void {
  const directory = existsSync(lockPath) ? readFileSync(lockPath, 'utf8') : '';
  if (basename(directory).startsWith(PREFIX)) rmSync(directory, { recursive: true, force: true });
  writeFileSync(lockPath, '');
}
