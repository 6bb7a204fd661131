// The folder of a submission on the disk. A folder with anything else in it is left as it is.

import { chmod, lstat, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeDirectory } from '../../system/make-directory.ts';
import { CONTEST_LOGS, CONTEST_RESULTS, EXPECTED, type Folder } from './folder.ts';

const KNOWN = [...EXPECTED, ...CONTEST_LOGS, ...CONTEST_RESULTS];

const isParent = (path: string): boolean => KNOWN.some((file) => file.startsWith(`${path}/`));

/** A file that is in `directory` and in no submission. A directory that is missing has none. */
export async function strangerIn(directory: string, below = ''): Promise<string | undefined> {
  const entries = await readdir(join(directory, below)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' && below === '') return [];
    throw error;
  });
  const paths = entries.map((entry) => join(below, entry));
  const stranger = paths.find((path) => !KNOWN.includes(path) && !isParent(path));
  if (stranger !== undefined) return stranger;
  for (const path of paths.filter(isParent)) {
    const found = await strangerIn(directory, path);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Each file may be read by everybody: nginx and PostgreSQL read theirs as other users. */
export async function writeFolder(directory: string, folder: Folder): Promise<void> {
  for (const [path, text] of folder) {
    const file = join(directory, path);
    await makeDirectory(dirname(file));
    await writeFile(file, text);
    await chmod(file, 0o644);
  }
}

/** All files in the folder. A link counts as a file without text: the contest wouldn't have it. */
export async function readFolder(directory: string): Promise<Folder> {
  const folder = new Map<string, string>();
  const read = async (below: string): Promise<void> => {
    for (const entry of (await readdir(join(directory, below))).toSorted()) {
      const path = join(below, entry);
      const file = await lstat(join(directory, path));
      if (file.isDirectory()) await read(path);
      else folder.set(path, file.isFile() ? await readFile(join(directory, path), 'utf8') : '');
    }
  };
  await read('');
  return folder;
}
