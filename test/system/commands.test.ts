// Every command of package.json prints its usage with --help, and names an option that it does not
// know. They run without tools/setup.sh, which another test tries.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as {
  scripts: Readonly<Record<string, string>>;
};
const SETUP = 'sh tools/setup.sh && exec node ';
const COMMANDS = Object.entries(scripts).filter(([, script]) => script.startsWith(SETUP));

function run(
  script: string,
  ...words: readonly string[]
): readonly [number | null, string, string] {
  const args = [...script.slice(SETUP.length).split(' '), ...words];
  const options = { cwd: ROOT, encoding: 'utf8', timeout: 20_000 } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, args, options);
  return [status, stdout, stderr];
}

test('the commands are found', () => assert.ok(COMMANDS.length >= 16));

for (const [name, script] of COMMANDS) {
  test(`${name} --help prints what it does and takes, and ends with 0`, () => {
    const [status, stdout, stderr] = run(script, '--help');
    assert.equal(stderr, '');
    assert.equal(status, 0);
    assert.ok(stdout.startsWith(`npm run ${name}`), stdout);
    assert.ok(stdout.split('\n').length > 4, stdout);
    assert.ok(
      stdout.split('\n').every((line) => line.length <= 100),
      stdout,
    );
  });

  test(`${name} with an unknown option or argument names it and ends with 2`, () => {
    for (const word of ['--nonsense', 'nonsense']) {
      const [status, stdout, stderr] = run(script, word);
      assert.equal(status, 2, stderr);
      assert.equal(stdout, '');
      assert.match(stderr.split('\n')[0] ?? '', /nonsense/);
      assert.match(stderr, /--help/);
      assert.ok(stderr.trim().split('\n').length <= 2, stderr);
    }
  });
}
