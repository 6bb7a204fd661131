// What /proc says of a process, asked about a process that this test starts.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  beganAt,
  commandOf,
  environmentOf,
  familyOf,
  holdersOf,
  listeningPort,
  listeningSocket,
  machineCpuMs,
  usageOf,
} from '../../tools/system/processes.ts';

/** Listens at a path and at a port, which it prints; its child holds both too. */
const LISTENER = `
  const { createServer } = require('node:net');
  const { spawn } = require('node:child_process');
  const onPath = createServer().listen(process.argv[1], () => {
    const onPort = createServer().listen(0, '127.0.0.1', () => {
      const stdio = ['ignore', 'ignore', 'ignore', onPath._handle.fd, onPort._handle.fd];
      const child = spawn('sleep', ['60'], { stdio });
      process.on('SIGTERM', () => { child.kill(); process.exit(); });
      console.log(onPort.address().port, child.pid);
    });
  });
`;

test('a listener is found by its socket and its port, with its child, CPU and memory', async () => {
  const place = await mkdtemp(join(tmpdir(), 'repasse-test-'));
  const path = join(place, 'a socket');
  const env = { ...process.env, MARK: 'one=two' };
  const listener = spawn(process.execPath, ['-e', LISTENER, path], { env });
  try {
    const [said] = (await once(listener.stdout, 'data')) as [Buffer];
    const [port, child] = said.toString().split(' ').map(Number);
    const inodes = [listeningSocket(path) ?? '', listeningPort(port ?? 0) ?? ''];
    const { pid } = listener;
    assert.ok(pid !== undefined);
    assert.deepEqual(
      [...holdersOf(inodes)],
      inodes.map((inode) => [inode, pid]),
    );
    assert.deepEqual(familyOf(pid), [pid, child]);
    assert.ok(commandOf(pid).includes(path));
    assert.equal(environmentOf(pid).get('MARK'), 'one=two');
    const usage = usageOf(pid);
    assert.ok(usage !== null && usage.privateBytes > 2 ** 20 && usage.cpuMs >= 0);
    assert.ok((machineCpuMs() ?? 0) >= usage.cpuMs);
    assert.match(beganAt(pid) ?? '', /^\d+$/);
  } finally {
    listener.kill();
    await once(listener, 'exit');
    await rm(place, { recursive: true });
  }
  assert.equal(listeningSocket(path), undefined);
  assert.equal(usageOf(listener.pid ?? 0), null);
  assert.equal(beganAt(listener.pid ?? 0), undefined);
});
