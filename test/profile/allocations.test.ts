// The allocation profile shows garbage, and is there although the process ends by process.exit.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeTempDirectory, removeTempDirectory } from '../world/temp-directory.ts';

const HOOK = fileURLToPath(new URL('../../tools/profile/allocations.js', import.meta.url));

/** Makes 8 MB that nothing holds, when it is told to, and exits. */
const SCRIPT = `
  function makeGarbage() {
    let length = 0;
    for (let n = 0; n < 1000; n++) length += new Array(1000).fill(n).length;
    return length;
  }
  process.once('SIGUSR2', () => {
    globalThis.length = makeGarbage();
    process.exit(0);
  });
  setInterval(() => {}, 1000);
  process.stdout.write('ready');
`;

interface Frame {
  readonly callFrame: { readonly functionName: string };
  readonly selfSize: number;
  readonly children: readonly Frame[];
}

function bytesWithin(frame: Frame): number {
  return frame.children.reduce((sum, child) => sum + bytesWithin(child), frame.selfSize);
}

function find(frame: Frame, name: string): Frame | undefined {
  if (frame.callFrame.functionName === name) return frame;
  for (const child of frame.children) {
    const found = find(child, name);
    if (found) return found;
  }
  return undefined;
}

test('what was allocated since the signal is in the profile, collected or not', async () => {
  const directory = makeTempDirectory();
  const script = join(directory, 'script.cjs');
  const path = join(directory, 'profile');
  writeFileSync(script, SCRIPT);
  const child = spawn(process.execPath, ['--import', HOOK, script], {
    env: { ...process.env, ALLOCATIONS_PATH: path },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGUSR2');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
  const { head } = JSON.parse(readFileSync(path, 'utf8')) as { head: Frame };
  const maker = find(head, 'makeGarbage');
  assert.ok(maker, 'the function is in the profile');
  const bytes = bytesWithin(maker);
  assert.ok(bytes > 4_000_000 && bytes < 16_000_000, `${bytes} bytes are about 8 MB`);
  removeTempDirectory(directory);
});
