// Makes a directory and all above it that are missing. Node's own `recursive` never ends where a file system answers ENOENT to
// mkdir itself, as /proc does (Node 20.20), and calls a read-only file system ENOENT.

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
