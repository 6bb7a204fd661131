// `npm run submission:try` where Docker is missing or fails: it says what is missing, and removes
// what it started, also after a Ctrl-C. Docker is a program of the test's own that writes down how
// it is called, so that these run on any machine.

import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { PORTS } from '../../tools/compose/running.ts';
import { writeFolder } from '../../tools/contest/submission/folder-files.ts';
import { ensureFree } from '../../tools/system/ports.ts';
import { needs } from '../world/needs.ts';
import { makeTempDirectory } from '../world/temp-directory.ts';
import { waitUntil } from '../world/wait-until.ts';
import { submitted } from './submitted.ts';

const COMMAND = fileURLToPath(new URL('../../tools/contest/submission-try.js', import.meta.url));
const arePortsFree = await Promise.all(PORTS.map((port) => ensureFree(port))).then(
  () => true,
  () => false,
);
const needsPorts = needs(`the ports ${PORTS.join(', ')}`, arePortsFree);

/** A machine with only these programs, and a directory to run the command in. */
class Machine {
  readonly directory = makeTempDirectory();
  readonly #programs = join(this.directory, 'bin');
  readonly #calls = join(this.directory, 'calls');

  constructor() {
    mkdirSync(this.#programs);
    mkdirSync(join(this.directory, 'tmp'));
    for (const name of ['setpriv', 'flock', 'sh', 'sleep']) {
      const place = ['/usr/bin', '/bin'].find((path) => existsSync(join(path, name)));
      symlinkSync(join(place ?? '/', name), join(this.#programs, name));
    }
  }

  install(name: string, script: string): void {
    const path = join(this.#programs, name);
    writeFileSync(path, `#!/bin/sh\necho "$*" >>'${this.#calls}'\n${script}\n`);
    chmodSync(path, 0o755);
  }

  /** How the installed programs were called, in order. */
  get calls(): readonly string[] {
    return existsSync(this.#calls) ? readFileSync(this.#calls, 'utf8').trim().split('\n') : [];
  }

  /** What is left in the directory for temporary files. */
  get left(): readonly string[] {
    return readdirSync(join(this.directory, 'tmp'));
  }

  start(...words: readonly string[]): ChildProcess {
    return spawn(process.execPath, ['--enable-source-maps', COMMAND, ...words], {
      cwd: this.directory,
      env: {
        PATH: this.#programs,
        HOME: this.directory,
        TMPDIR: join(this.directory, 'tmp'),
        K6: join(this.#programs, 'k6'),
      },
    });
  }

  async run(...words: readonly string[]): Promise<readonly [number | null, string]> {
    return outcomeOf(this.start(...words));
  }
}

async function outcomeOf(child: ChildProcess): Promise<readonly [number | null, string]> {
  assert.ok(child.stdout && child.stderr);
  const [out, error, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return [code, out + error];
}

async function machineWithFolder(): Promise<Machine> {
  const machine = new Machine();
  await writeFolder(join(machine.directory, 'reports', 'submission'), await submitted());
  machine.install('k6', '');
  return machine;
}

/** The calls that remove a project, by the end of its name. */
const removals = ({ calls }: Machine): (string | undefined)[] =>
  calls
    .filter((call) => / down --volumes /.test(call))
    .map((call) => /--project-name=repasse-try-[a-f0-9]{8}-(\w+) /.exec(call)?.[1]);

const BOTH = ['submission', 'processors'];

test('without Docker and k6 both are named, and nothing is started', async () => {
  const [code, printed] = await new Machine().run();
  assert.equal(code, 2);
  assert.match(printed, /^submission:try: needs the docker command$/m);
  assert.match(printed, /^submission:try: k6 not found: /m);
});

test('without Compose v2, or an engine that may be used, it is what is missing', async () => {
  const machine = await machineWithFolder();
  machine.install('docker', 'case $1 in compose) exit 1;; esac');
  assert.deepEqual(await machine.run(), [2, 'submission:try: needs Compose v2 (docker compose)\n']);
  machine.install('docker', 'case $1 in info) exit 1;; esac');
  assert.deepEqual(await machine.run(), [
    2,
    'submission:try: needs a running Docker engine that this user may use\n',
  ]);
});

test('a folder that is missing, and one that breaks a rule, are not tried', async () => {
  const machine = await machineWithFolder();
  machine.install('docker', '');
  const [missing, why] = await machine.run('--folder', 'nowhere');
  assert.equal(missing, 2);
  assert.equal(why, 'submission:try: nowhere is not there: npm run submission writes it\n');
  writeFileSync(join(machine.directory, 'reports', 'submission', 'partial-results.json'), '{}');
  const [broken, fault] = await machine.run();
  assert.equal(broken, 1);
  assert.match(fault, /^FAULT {5}partial-results\.json must be deleted/);
  assert.deepEqual(removals(machine), []);
});

test('a network of somebody else is left alone', needsPorts, async () => {
  const machine = await machineWithFolder();
  machine.install('docker', 'case $1 in network) echo payment-processor;; esac');
  const [code, printed] = await machine.run();
  assert.equal(code, 2);
  assert.match(printed, /there is a network payment-processor already/);
  assert.ok(!machine.calls.some((call) => / up /.test(call) || call.startsWith('network rm')));
});

test('when the images cannot be pulled, why is said and all is removed', needsPorts, async () => {
  const machine = await machineWithFolder();
  machine.install('docker', 'case "$*" in *--pull*) echo "manifest unknown" >&2; exit 1;; esac');
  const [code, printed] = await machine.run();
  assert.equal(code, 2, printed);
  assert.match(printed, /manifest unknown/);
  // Once before, for what an earlier run left, and once after.
  assert.deepEqual(removals(machine), [...BOTH, ...BOTH]);
  assert.deepEqual(machine.left, []);
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`after ${signal}, twice, all is removed`, needsPorts, async () => {
    const machine = await machineWithFolder();
    machine.install('docker', 'case $1 in build) exec sleep 1000;; esac');
    const child = machine.start();
    const outcome = outcomeOf(child);
    await waitUntil('it builds', () => machine.calls.some((call) => call.startsWith('build ')));
    child.kill(signal);
    child.kill(signal);
    const [code, printed] = await outcome;
    assert.equal(code, 2, printed);
    assert.match(printed, /^submission:try: interrupted$/m);
    assert.deepEqual(removals(machine), [...BOTH, ...BOTH]);
    assert.deepEqual(machine.left, []);
  });
}

test('what a killed run left is removed by the next one', needsPorts, async () => {
  const machine = await machineWithFolder();
  machine.install('docker', 'case $1 in build) exec sleep 1000;; esac');
  const child = machine.start();
  await waitUntil('it builds', () => machine.calls.some((call) => call.startsWith('build ')));
  const [copy = ''] = machine.left;
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.deepEqual(machine.left, [copy]);
  machine.install('docker', 'case $1 in build) exit 1;; esac');
  const [code, printed] = await machine.run();
  assert.equal(code, 2, printed);
  assert.match(printed, /docker build /);
  assert.deepEqual(machine.left, []);
});

test('two at once in a checkout: the second one leaves the first alone', needsPorts, async () => {
  const machine = await machineWithFolder();
  machine.install('docker', 'case $1 in build) exec sleep 1000;; esac');
  const first = machine.start();
  const outcome = outcomeOf(first);
  await waitUntil('it builds', () => machine.calls.some((call) => call.startsWith('build ')));
  const [code, printed] = await machine.run();
  assert.equal(code, 2);
  assert.match(printed, /another npm run submission:try runs in this checkout/);
  assert.deepEqual(removals(machine), BOTH);
  first.kill('SIGINT');
  assert.equal((await outcome)[0], 2);
});

test('what could not be removed is said', needsPorts, async () => {
  const machine = await machineWithFolder();
  // The second time, after the build that fails.
  const failing = `[ $(grep -c ' down ' '${machine.directory}/calls') -gt 2 ] && exit 1`;
  symlinkSync('/usr/bin/grep', join(machine.directory, 'bin', 'grep'));
  machine.install('docker', `case "$*" in build*) exit 1;; *" down "*) ${failing}; exit 0;; esac`);
  const [code, printed] = await machine.run();
  assert.equal(code, 2, printed);
  assert.match(printed, /containers named repasse-try-[a-f0-9]{8}-… may be left: /);
  assert.match(printed, /^submission:try: docker build /m);
  assert.deepEqual(machine.left, []);
});
