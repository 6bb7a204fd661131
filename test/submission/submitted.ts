// The submission of this checkout, for tests to look at and to break.

import { readFile } from 'node:fs/promises';
import { CONFIGURATION, makeFolder, type Folder } from '../../tools/submission/folder.ts';

const ROOT = new URL('../../../', import.meta.url);

export const readRoot = (path: string): Promise<string> => readFile(new URL(path, ROOT), 'utf8');

export async function submitted(): Promise<Folder> {
  const configuration = new Map<string, string>();
  for (const path of CONFIGURATION) configuration.set(path, await readRoot(path));
  return makeFolder({
    compose: await readRoot('docker-compose.yml'),
    configuration,
    repository: 'someone/repasse',
    image: 'ghcr.io/someone/repasse:0.1.0',
  });
}
