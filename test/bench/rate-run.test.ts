// One run of the search for the highest rate, on the whole system: each payment's times are found,
// and one that is charged too late is noticed.

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { PROMISED } from '../../bench/sustained/judge.ts';
import { connectTo } from '../../bench/sustained/ledger-connection.ts';
import { runAt } from '../../bench/sustained/rate-run.ts';
import type { Stage } from '../../bench/sustained/stage.ts';
import { Endpoints } from '../../tools/audit/endpoints.ts';
import { familyCpuMs } from '../../tools/system/processes.ts';
import { openWorld } from '../world/world.ts';

const RATE = 100;

async function openStage(t: TestContext): Promise<Stage> {
  const world = await openWorld();
  t.after(() => world.close());
  const urls = [world.default.url, world.fallback.url] as const;
  return {
    name: 'in a test',
    to: { host: '127.0.0.1', port: Number(new URL(world.front.url).port) },
    endpoints: new Endpoints({ backend: world.front.url, processors: urls }, '123'),
    containers: [],
    openLedger: () => connectTo(world.databaseUrl),
    usage: async () => new Map(),
    processorsCpuMs: async () => familyCpuMs(world.default.pid) + familyCpuMs(world.fallback.pid),
    close: () => world.close(),
  };
}

test('each payment is found at a processor and in the ledger, with its times', async (t) => {
  const stage = await openStage(t);
  const run = await runAt(stage, RATE, 1_000);
  assert.deepEqual(run.faults, []);
  assert.ok(run.accepted > 0);
  assert.ok(Number.isFinite(run.times.charge.mostMs));
  assert.ok(Number.isFinite(run.times.record.mostMs));
  assert.ok(run.generatorCpuMs > 0);
  // The books are empty at the start of each.
  const again = await runAt(stage, RATE, 500);
  assert.deepEqual(again.faults, []);
});

test('payments that wait too long for their charge are counted, and lose nothing', async (t) => {
  const stage = await openStage(t);
  await stage.endpoints.setLevers({ delayMs: 0, failing: true });
  let looks = 0;
  const recovering: Stage = {
    ...stage,
    // The second look is at the end of the load. After a further second all are late.
    processorsCpuMs: async () => {
      if (++looks === 2) {
        await sleep(PROMISED.chargedMs + 1);
        await stage.endpoints.setLevers({ delayMs: 0, failing: false });
      }
      return stage.processorsCpuMs();
    },
  };
  const run = await runAt(recovering, RATE, 60_000);
  assert.deepEqual(run.faults, []);
  assert.ok(run.accepted > 0);
  assert.equal(run.times.charge.late, run.accepted);
  assert.match(run.reasons.join(), /charged after more than 1 s/);
  assert.equal(run.isWhole, false, 'it was ended when it could not succeed any more');
});
