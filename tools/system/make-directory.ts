// Makes a directory and the missing ones above it. Node's own `recursive` (20.20) never ends where
// mkdir answers ENOENT, as in /proc, and reports a read-only file system as ENOENT.

import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** @throws the system's error when `path` is no directory afterwards. */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const parent = dirname(path);
    if (code === 'ENOENT' && parent !== path && !(await isDirectory(parent))) {
      await makeDirectory(parent);
      await mkdir(path);
    } else if (!(await isDirectory(path))) {
      throw error;
    }
  }
}

async function isDirectory(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() === true;
}
