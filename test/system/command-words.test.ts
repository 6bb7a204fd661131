// What is wrong with a command line is said in one line of ours, by every command.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const WRONG: readonly (readonly [words: string, says: string])[] = [
  ['src/operate.js count 2 --wait -5', '--wait needs a value; one that begins with a dash'],
  ['src/operate.js tables --for', '--for needs a value'],
  ['src/operate.js count 2 --wiat 5', 'the option --wiat is not known'],
  ['src/operate.js --help=2', '--help takes no value'],
  ['src/operate.js adopt 3 4', 'the argument "4" is too much'],
  ['src/operate.js lost 1 2', 'the argument "2" is too much'],
  ['src/operate.js adopt --wait 3', 'adopt takes no --wait'],
  ['src/operate.js archive --before 2025-13', '--before must be a month such as 2025-07'],
  ['src/operate.js archive', '--before must be a month such as 2025-07, not ""'],
  ['src/operate.js detach', 'the month must be a month such as 2025-07, not ""'],
  ['src/operate.js detach 2025-07 --before 2025-08', 'detach takes no --before'],
  ['src/operate.js constructor', '"constructor" is not one of'],
  ['src/payments.js list --limit -1', '--limit needs a value; one that begins with a dash'],
  ['src/payments.js list --json=yes', '--json takes no value'],
  ['src/payments.js list -x', 'the option -x is not known'],
  ['src/reconcile.js --margin -1', '--margin needs a value; one that begins with a dash'],
  ['src/reconcile.js --margin=-1', '--margin is "-1", must be a whole number from 0 to 86400'],
  ['src/reconcile.js --constructor', 'the option --constructor is not known'],
  ['tools/soak.js --rate -1', 'soak: --rate needs a value; one that begins with a dash'],
  ['tools/soak.js --rate', 'soak: --rate needs a value'],
];

for (const [words, says] of WRONG) {
  test(`${words} ends with 2 and names what is wrong`, () => {
    const [script = '', ...args] = words.split(' ');
    const path = fileURLToPath(new URL(`../../${script}`, import.meta.url));
    const { status, stderr } = spawnSync(process.execPath, [path, ...args], { encoding: 'utf8' });
    assert.equal(status, 2, stderr);
    assert.ok(stderr.startsWith(says), stderr);
    assert.doesNotMatch(stderr, /ambiguous|positional|Did you/);
    assert.match(stderr, /--help|must be|is not one of/);
  });
}
