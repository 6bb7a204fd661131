// The journal's disk is full, read-only, or refuses writes. A payment that can't be written down is
// not accepted. A full disk does not matter once the file exists, since it is allocated whole.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { AGAIN } from '../buffer/seed.ts';
import { audit } from '../world/audit.ts';
import { needsSmallDisk, SmallDisk } from '../world/small-disk.ts';
import { waitUntil } from '../world/wait-until.ts';
import { Load } from './load.ts';
import { openStage } from './stage.ts';

const SLOTS = 2_000;
const { world, random, book } = await openStage({
  instances: 1,
  front: false,
  environment: { RING_SLOTS: String(SLOTS) },
});

test(
  `a full or read-only disk stops a start with a reason, and doesn't matter once the journal is there ${AGAIN}`,
  needsSmallDisk,
  async () => {
    const instance = world.instance(0);
    // Room for the journal of 128 bytes a slot and its header, and little more.
    using disk = new SmallDisk((SLOTS * 128) / 1024 + 64);
    const environment = { JOURNAL_PATH: join(disk.directory, 'journal') };
    // In order and with nothing held: only then another journal may take its place.
    await instance.kill('SIGTERM');

    for (const [prevent, allow] of [
      [() => disk.makeReadOnly(), () => disk.makeWritable()],
      [() => disk.fill(), () => disk.empty()],
    ] as const) {
      prevent();
      instance.start(environment);
      assert.equal(await instance.program.ended(), 2);
      assert.match(
        instance.program.lastWords(),
        /JOURNAL_PATH \S+ cannot be used|disk takes nothing/,
      );
      allow();
    }
    await instance.restart(environment);
    disk.fill();
    {
      await using load = new Load({ clients: [world.client], random, book });
      await load.more(50);
      await instance.kill();
      await instance.restart(environment);
      await load.more(50);
      await load.stop();
    }
    assert.equal(instance.said('journal fails'), 0);
    await audit(world, book.accepted, { maybe: book.maybe });
    disk.makeWritable();
    await instance.kill('SIGTERM');
    await instance.restart();
  },
);

test(`a journal that can't be written while it runs: no 202, the instance ends, and nothing is lost ${AGAIN}`, async () => {
  const instance = world.instance(0);
  for (const { levers } of world.processors) await levers.setDelay(100);
  await using load = new Load({ clients: [world.client], random, book });
  await load.more(50);
  // No write beyond the header from now on, as if the disk failed.
  const limit = ['--pid', String(instance.program.pid), '--fsize=4096:unlimited'];
  execFileSync('prlimit', limit, { stdio: 'pipe' });
  assert.equal(
    await instance.program.ended(),
    1,
    'what it can no longer note down it can not go on with',
  );
  await waitUntil('it says why', () => instance.said('fatal') > 0);
  await instance.restart();
  await load.more(50);
  await load.stop();
  for (const { levers } of world.processors) await levers.setDelay(0);
  await audit(world, book.accepted, { maybe: book.maybe });
});

test(`an idle instance whose journal can't be written answers 503 and stays up ${AGAIN}`, async () => {
  const instance = world.instance(0);
  const limit = (bytes: string): Buffer =>
    execFileSync('prlimit', ['--pid', String(instance.program.pid), `--fsize=${bytes}:unlimited`]);
  limit('4096');
  const id = '00000000-0000-4000-8000-000000000001';
  const refused = await world.client.pay(id, '1.00');
  assert.equal(refused.status, 503);
  assert.equal(refused.headers['retry-after'], '1');
  assert.ok(instance.program.running);
  limit('unlimited');
  assert.equal((await world.client.pay(id, '2.00')).status, 202);
  book.accepted.push({ id, cents: 200 });
  await audit(world, book.accepted, { maybe: book.maybe });
});
