// The submission of this checkout, for tests to look at and to break.

import { readFile } from 'node:fs/promises';
import type { TESTS } from '../../tools/contest/plan.ts';
import { CONFIGURATION, makeFolder, type Folder } from '../../tools/contest/submission/folder.ts';

const ROOT = new URL('../../../', import.meta.url);

export const readRoot = (path: string): Promise<string> => readFile(new URL(path, ROOT), 'utf8');

export async function submitted(test: keyof typeof TESTS = 'preview'): Promise<Folder> {
  const configuration = new Map<string, string>();
  for (const path of CONFIGURATION) configuration.set(path, await readRoot(path));
  return makeFolder({
    compose: await readRoot('docker-compose.yml'),
    configuration,
    repository: 'someone/repasse',
    image: 'ghcr.io/someone/repasse:0.1.0',
    test,
  });
}
