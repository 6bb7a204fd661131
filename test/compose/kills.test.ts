// What the test of the composition makes of a kill: whose process it may kill, how long nothing was
// accepted, how long it may be.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { killProcess } from '../../tools/compose/container-process.ts';
import { faultsOf, type Killing } from '../../tools/compose/killing.ts';
import { Silence } from '../../tools/compose/silence.ts';
import { memoryFaults, type Usage } from '../../tools/compose/usage.ts';

test('only a process of this very container is killed', async () => {
  const child = spawn('sleep', ['60']);
  try {
    assert.ok(child.pid !== undefined);
    assert.equal(await killProcess(child.pid, 'f'.repeat(64)), false);
    assert.equal(await killProcess(0, 'f'.repeat(64)), false);
    assert.equal(child.signalCode, null);
    // Among its mounts every process has this word, as one in a container has the container's id.
    assert.equal(await killProcess(child.pid, '/proc'), true);
    await once(child, 'exit');
    assert.equal(await killProcess(child.pid, '/proc'), false);
  } finally {
    child.kill('SIGKILL');
  }
});

test('the longest silence is between two payments, or goes on', () => {
  const silence = new Silence(100);
  silence.break(150);
  silence.break(450);
  silence.break(460);
  assert.equal(silence.takeLongestMs(470), 300);
  assert.equal(silence.takeLongestMs(500), 40);
  silence.break(510);
  assert.equal(silence.takeLongestMs(510), 50);
});

const killing: Killing = {
  part: 'api1',
  how: 'its process',
  awayMs: 1_500,
  instanceMs: 2_250,
  summaryMs: 60,
  silenceMs: 2_000,
};

test('intake may stand still for 2 s, and for what it has to wait for', () => {
  for (const part of ['api1', 'api2', 'payment-processor-default']) {
    assert.deepEqual(faultsOf({ ...killing, part }), []);
    assert.equal(faultsOf({ ...killing, part, silenceMs: 2_001 }).length, 1);
  }
  for (const part of ['nginx', 'postgres']) {
    assert.deepEqual(faultsOf({ ...killing, part, silenceMs: 3_500 }), []);
    assert.deepEqual(faultsOf({ ...killing, part, silenceMs: 3_510 }), [
      `${part} killed: 3.51 s without an accepted payment, at most 3.50 s`,
    ]);
  }
});

const usage = (megabytes: number): Usage => ({
  memoryBytes: megabytes * 2 ** 20,
  memoryLimitBytes: 100 * 2 ** 20,
  cpuMs: 0,
  periods: 0,
  throttledPeriods: 0,
  throttledMs: 0,
});

test('four fifths of the memory is enough for everybody', () => {
  const used = new Map([
    ['nginx', usage(80)],
    ['api1', usage(81)],
  ]);
  assert.deepEqual(memoryFaults(used), ['api1: 81 of 100 MB of memory, more than 80 %']);
});
