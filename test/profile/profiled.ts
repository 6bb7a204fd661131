// Runs a script under the allocation profile's hook.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeTempDirectory, removeTempDirectory } from '../world/temp-directory.ts';

const HOOK = fileURLToPath(new URL('../../tools/profile/allocations.js', import.meta.url));

export interface Profiled<Profile> {
  readonly profile: Profile;
  /** Where the script was. */
  readonly path: string;
}

/** `script` prints something when it is ready, and ends with 0 after a SIGUSR2. */
export async function profiled<Profile>(
  script: string,
  type: 'cjs' | 'mjs',
): Promise<Profiled<Profile>> {
  const directory = makeTempDirectory();
  const path = join(directory, `script.${type}`);
  const profilePath = join(directory, 'profile');
  writeFileSync(path, script);
  const child = spawn(process.execPath, ['--import', HOOK, path], {
    env: { ...process.env, ALLOCATIONS_PATH: profilePath },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGUSR2');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
  const profile = JSON.parse(readFileSync(profilePath, 'utf8')) as Profile;
  removeTempDirectory(directory);
  return { profile, path };
}
