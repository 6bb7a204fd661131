// What npm run profile:* installs is locked, and from whatever registry npm is set to.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const FOLDER = 'tools/profile/clinic';

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
}

const read = (name: string): unknown => JSON.parse(readFileSync(`${FOLDER}/${name}`, 'utf8'));

test('every package of the profilers is locked by its checksum and names no registry', () => {
  const { packages } = read('package-lock.json') as { packages: Record<string, Locked> };
  const locked = Object.entries(packages).filter(([path]) => path !== '');
  assert.ok(locked.length > 0);
  for (const [path, { integrity, resolved }] of locked) {
    assert.match(integrity ?? '', /^sha(512|1)-/, path);
    assert.equal(resolved, undefined, path);
  }
});

test('the clinic tools have the version that the lock file has, and the project has none of them', () => {
  const { dependencies } = read('package.json') as { dependencies: Record<string, string> };
  const { packages } = read('package-lock.json') as { packages: Record<string, Locked> };
  assert.equal(packages['node_modules/clinic']?.version, dependencies['clinic']);
  assert.ok(!readFileSync('package-lock.json', 'utf8').includes('clinic'));
});
