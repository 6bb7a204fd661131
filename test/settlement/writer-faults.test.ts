// The batch writer on a real PostgreSQL behind a network that fails: every row arrives, once.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { connectLibpq } from '../../src/ledger/libpq.ts';
import { BatchWriter } from '../../src/settlement/batch-writer.ts';
import { DatabaseServer, query } from '../world/database.ts';
import { GapProxy } from '../world/gap-proxy.ts';
import { waitUntil } from '../world/wait-until.ts';
import { checkSums, makeLedger, rowOf } from '../ledger/ledger-fixture.ts';
import { surroundings } from './writer-bench.ts';

const ignore = (): void => {};
let server: DatabaseServer;
before(async () => {
  server = await DatabaseServer.start();
});
after(() => server.close());

test('the writer brings every row through resets, terminated backends and a killed server, once', async (context) => {
  const { url, reader } = await makeLedger(server, context);
  const proxy = await GapProxy.start(url);
  context.after(() => proxy.close());
  const recorded = new Set<number>();
  const writer = new BatchWriter({
    clock: systemClock,
    config: { BATCH_ROWS: 10, BATCH_WAIT_MS: 10, BATCH_ROWS_MAX: 100 },
    ledger: {
      connect: () => connectLibpq(proxy.through(url), { name: 0 }, 500, systemClock),
      find: (ids) => reader.find(ids),
    },
    ...surroundings({
      rowOf: (slot) => rowOf(slot, 1 + slot, 1_752_500_000_000 + slot * 7),
      onRecorded: (slot) => {
        assert.ok(!recorded.has(slot));
        recorded.add(slot);
      },
      onContradicted: (_, row) => assert.fail(`nobody else recorded ${row.correlationId}`),
    }),
    log: { info: ignore, warn: ignore, error: ignore },
  });
  context.after(() => writer.close());
  const faults: readonly (() => Promise<void> | void)[] = [
    () => proxy.reset(),
    () => proxy.cut(),
    async () => {
      await query(
        url,
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'repasse-writer-0'`,
      );
    },
    async () => {
      await server.kill();
      await server.restart();
    },
    () => proxy.blackHole('answers'),
    () => proxy.release(),
  ];
  let slot = 0;
  for (const fault of faults) {
    const known = recorded.size;
    for (let n = 0; n < 100; n++) writer.add(slot++);
    await fault();
    for (let n = 0; n < 100; n++) writer.add(slot++);
    if (fault !== faults[4]) {
      await waitUntil('some are recorded', () => recorded.size > known, { withinMs: 20_000 });
    }
  }
  await waitUntil('all are recorded', () => writer.pending === 0, { withinMs: 20_000 });
  const cents = (slot * (slot + 1)) / 2;
  assert.equal(recorded.size, slot);
  assert.deepEqual(await checkSums(url), { payments: slot, cents });
});
