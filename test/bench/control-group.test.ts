// A control group: what is started in it is limited and counted there, and this process isn't.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import {
  ControlGroup,
  removeLeftGroups,
  whatIsMissing,
} from '../../bench/sustained/control-group.ts';
import { needs } from '../world/needs.ts';
import { waitUntil } from '../world/wait-until.ts';

const missing = whatIsMissing();

test(
  'what is started in a group is throttled at its share, and counted',
  needs(missing ?? '', missing === undefined),
  async () => {
    const limits = { cpus: 0.1, memoryBytes: 64 * 2 ** 20 };
    const group = new ControlGroup(`repasse-test-${process.pid}`, limits);
    const child = await group.starting(async () =>
      spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
    );
    try {
      const isThrottled = (): boolean => group.usage().throttledPeriods > 0;
      await waitUntil('it is throttled', isThrottled, { withinMs: 30_000 });
      const usage = group.usage();
      assert.ok(usage.cpuMs > 0 && usage.throttledMs > 0);
      assert.ok(usage.memoryBytes > 0 && usage.memoryBytes <= limits.memoryBytes);
      assert.equal(usage.memoryLimitBytes, limits.memoryBytes);
      assert.equal(group.remove(), false, 'a process is in it');
    } finally {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
    await waitUntil('the group is empty', () => group.remove());
  },
);

test(
  'what a killed process left is removed, and what a living one has is not',
  needs(missing ?? '', missing === undefined),
  () => {
    const limits = { cpus: 0.1, memoryBytes: 64 * 2 ** 20 };
    // No process has such a number: it is beyond the kernel's.
    const left = new ControlGroup(`repasse-test-${2 ** 22 + 1}-nginx`, limits);
    const living = new ControlGroup(`repasse-test-${process.pid}-nginx`, limits);
    removeLeftGroups('repasse-test');
    assert.throws(() => left.usage(), /ENOENT/);
    assert.equal(living.usage().cpuMs, 0);
    assert.equal(living.remove(), true);
  },
);
