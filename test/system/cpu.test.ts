// The CPU that a process may use, as the kernel's files say it: of both versions of control groups,
// in a container or not, with limits on groups above, and where nothing can be read.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { groupsOf } from '../../src/cpu-groups.ts';
import { SystemCpu } from '../../src/cpu.ts';
import { tempDirectoryFor } from '../world/temp-directory.ts';

const V2 = '25 20 0:22 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate';

type Files = Readonly<Record<string, string>>;

const reading =
  (files: Files) =>
  (path: string): string => {
    const text = files[path];
    if (text === undefined) throw new Error(`no ${path}`);
    return text;
  };

const quotas = (files: Files): number[] => groupsOf(reading(files)).map((group) => group.cores());

test('version 2: the own group and those above it', () => {
  const files = {
    '/proc/self/cgroup': '0::/pay.slice/repasse.service\n',
    '/proc/self/mountinfo': V2,
    '/sys/fs/cgroup/pay.slice/repasse.service/cpu.max': 'max 100000\n',
    '/sys/fs/cgroup/pay.slice/cpu.max': '150000 100000\n',
    '/sys/fs/cgroup/pay.slice/cpu.stat': 'usage_usec 2500000\nuser_usec 1\n',
  };
  assert.deepEqual(quotas(files), [Infinity, 1.5, Number.NaN]);
  assert.equal(groupsOf(reading(files))[1]?.usedMs(), 2_500);
});

test('version 2 in a container that sees its own group as the root', () => {
  const group = { '/sys/fs/cgroup/cpu.max': '45000 100000\n' };
  for (const path of ['/', '/../../docker/abc', '/system.slice/docker-abc.scope']) {
    const root = path.startsWith('/system') ? path : '/';
    const mount = `9 8 0:22 ${root} /sys/fs/cgroup ro - cgroup2 cgroup rw`;
    const files = { ...group, '/proc/self/cgroup': `0::${path}`, '/proc/self/mountinfo': mount };
    assert.deepEqual(quotas(files), [0.45], path);
  }
});

test('version 1: quota and use in one tree, or in two', () => {
  const cpu = '4:cpu,cpuacct:/docker/abc\n9:name=systemd:/\n0::/\n';
  const mount = '7 6 0:9 /docker/abc /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct';
  const one = {
    '/proc/self/cgroup': cpu,
    '/proc/self/mountinfo': `${V2}\n${mount}`,
    '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '18000\n',
    '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
    '/sys/fs/cgroup/cpu,cpuacct/cpuacct.usage': '4000000\n',
  };
  assert.deepEqual(quotas(one), [0.18]);
  assert.equal(groupsOf(reading(one))[0]?.usedMs(), 4);

  const two = {
    '/proc/self/cgroup': '2:cpuacct:/a\n1:cpu:/a\n',
    '/proc/self/mountinfo': [
      '1 0 0:1 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu',
      '2 0 0:2 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct',
    ].join('\n'),
    '/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us': '-1\n',
    '/sys/fs/cgroup/cpu/a/cpu.cfs_period_us': '100000\n',
    '/sys/fs/cgroup/cpuacct/a/cpuacct.usage': '7000000\n',
  };
  assert.deepEqual(quotas(two), [Infinity, Number.NaN]);
  assert.equal(groupsOf(reading(two))[0]?.usedMs(), 7);
});

test('a blank in a path, and a group whose name begins like that of another', () => {
  const mount = String.raw`9 8 0:22 /a /sys/fs/my\040groups rw - cgroup2 cgroup rw`;
  const files = {
    '/proc/self/cgroup': '0::/a/b',
    '/proc/self/mountinfo': mount,
    '/sys/fs/my groups/b/cpu.max': '20000 100000',
  };
  assert.deepEqual(quotas(files), [0.2, Number.NaN]);
  const other = { ...files, '/proc/self/cgroup': '0::/ab' };
  assert.deepEqual(quotas(other), [Number.NaN]);
});

test('the usual place goes before another tree of the same version', () => {
  const files = {
    '/proc/self/cgroup': '0::/',
    '/proc/self/mountinfo': `3 2 0:22 / /host/cgroup ro - cgroup2 cgroup rw\n${V2}`,
    '/sys/fs/cgroup/cpu.max': '30000 100000\n',
    '/host/cgroup/cpu.max': 'max 100000\n',
  };
  assert.deepEqual(quotas(files), [0.3]);
});

test('without control groups, and where their files say nothing that is understood', () => {
  assert.deepEqual(quotas({}), []);
  const files = { '/proc/self/cgroup': '0::/', '/proc/self/mountinfo': V2 };
  for (const text of ['what? 0', '', '0 0', '100000', '-1']) {
    const [cores = Number.NaN] = quotas({ ...files, '/sys/fs/cgroup/cpu.max': text });
    assert.ok(Number.isNaN(cores) || cores === Infinity, text);
  }
});

/** The same files below a directory, which stands for `/`. */
function rootWith(files: Files, context: TestContext): { root: string; write: typeof write } {
  const root = tempDirectoryFor(context);
  const write = (more: Files): void => {
    for (const [path, text] of Object.entries(more)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
  };
  write(files);
  return { root, write };
}

test('a process may use its quota, at most one core, less what others in its group use', (context) => {
  const { root, write } = rootWith(
    {
      '/proc/self/cgroup': '0::/\n',
      '/proc/self/mountinfo': V2,
      '/sys/fs/cgroup/cpu.max': '80000 100000\n',
      '/sys/fs/cgroup/cpu.stat': 'usage_usec 0\n',
    },
    context,
  );
  let nowMs = 1_000;
  context.mock.method(performance, 'now', () => nowMs);
  const cpu = new SystemCpu(root);
  let usedMs = 0;
  context.mock.method(cpu, 'usedMs', () => usedMs);
  const after = (ownMs: number, allMs: number, max: string): number => {
    nowMs += 1_000;
    usedMs += ownMs;
    write({
      '/sys/fs/cgroup/cpu.max': max,
      '/sys/fs/cgroup/cpu.stat': `usage_usec ${allMs * 1_000}\n`,
    });
    // To the thousandth: the sums are of floats.
    return Math.round(cpu.cores() * 1_000) / 1_000;
  };
  assert.equal(after(0, 0, '80000 100000\n'), 0.8);
  assert.equal(after(300, 300, '80000 100000\n'), 0.8, 'the group has no others');
  assert.equal(after(100, 700, '80000 100000\n'), 0.5, 'others used 300 of 1,000 ms');
  assert.equal(after(0, 1_700, '80000 100000\n'), 0.4, 'half of the quota at the least');
  assert.equal(after(0, 1_700, ''), 0.8, 'a quota that can not be read is what it was');
  assert.equal(after(0, 1_700, '400000 100000\n'), 1, 'the quota is changed');
  nowMs += 10;
  write({ '/sys/fs/cgroup/cpu.max': '10000 100000\n' });
  assert.equal(cpu.cores(), 1, 'the files are not read all the time');
});

test("this machine's files are understood", () => {
  const cores = new SystemCpu().cores();
  assert.ok(cores > 0 && cores <= 1);
});
