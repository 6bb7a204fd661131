// How quiet the machine is: whose processes count, and when a run is called disturbed.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { disturbancesOf, isOurs, quietLine, QuietWatch, type Quiet } from '../../bench/quiet.ts';
import { allProcesses } from '../../tools/system/processes.ts';
import { waitUntil } from '../world/wait-until.ts';

const QUIET: Quiet = {
  loadAverage: 0.1,
  stealPercent: 0,
  othersPercent: 1,
  othersEachSecond: Array.from({ length: 60 }, () => 1),
  who: ['cron 1 %'],
};

test('what our processes start is ours, and what a stranger starts is not', async () => {
  const child = spawn('sleep', ['60'], { stdio: 'ignore', detached: true });
  // Its parent ends at once: it becomes a child of somebody else.
  const script = 'sleep 60 >/dev/null 2>&1 & echo $!';
  const parent = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [text] = (await once(parent.stdout, 'data')) as [Buffer];
  const stranger = Number(text.toString());
  try {
    await waitUntil('it is an orphan', () => {
      const found = allProcesses().find(({ pid }) => pid === stranger);
      return found !== undefined && found.parent !== parent.pid;
    });
    const all = new Map(allProcesses().map((one) => [one.pid, one]));
    const ours = (pid: number | undefined, containers: readonly string[] = []): boolean => {
      const one = all.get(pid ?? 0);
      assert.ok(one);
      return isOurs(one, all, containers);
    };
    assert.equal(ours(process.pid), true);
    assert.equal(ours(child.pid), true);
    assert.equal(ours(stranger), false);
    assert.equal(ours(stranger, ['no-such-container']), false);
  } finally {
    child.kill('SIGKILL');
    process.kill(stranger, 'SIGKILL');
  }
});

test('a watch says what it saw', async () => {
  const watch = new QuietWatch([]);
  const quiet = watch.stop();
  assert.ok(quiet.othersPercent >= 0 && quiet.stealPercent >= 0 && quiet.loadAverage >= 0);
  assert.match(quietLine(quiet), /load average before/);
});

test('a quiet run is not called disturbed, nor one with a single busy second', () => {
  assert.deepEqual(disturbancesOf(QUIET), []);
  const othersEachSecond = [90, ...QUIET.othersEachSecond.slice(1)];
  assert.deepEqual(disturbancesOf({ ...QUIET, othersEachSecond }), []);
  assert.match(quietLine(QUIET), /^quiet: /);
});

test('other programs, busy seconds and a hypervisor that takes the CPU disturb', () => {
  const steady = { ...QUIET, othersPercent: 12, who: ['cc1 11 %', 'cron 1 %'] };
  assert.deepEqual(disturbancesOf(steady), ['other programs used 12 % of a core']);
  assert.match(quietLine(steady), /^DISTURBED: .* \(cc1 11 %, cron 1 %\)/);
  const othersEachSecond = [90, 80, ...QUIET.othersEachSecond.slice(2)];
  assert.deepEqual(disturbancesOf({ ...QUIET, othersEachSecond }), [
    'in 2 of 60 s other programs used half a core or more',
  ]);
  const stolen = { ...QUIET, stealPercent: 2.5 };
  assert.deepEqual(disturbancesOf(stolen), ['the hypervisor took 2.5 % of the CPU']);
  assert.match(quietLine(stolen), /^DISTURBED: the hypervisor/);
});
