// The allocation profile shows garbage, and is there although the process ends by process.exit.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { profiled } from './profiled.ts';

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
  const { profile } = await profiled<{ head: Frame }>(SCRIPT, 'cjs');
  const maker = find(profile.head, 'makeGarbage');
  assert.ok(maker, 'the function is in the profile');
  const bytes = bytesWithin(maker);
  assert.ok(bytes > 4_000_000 && bytes < 16_000_000, `${bytes} bytes are about 8 MB`);
});
