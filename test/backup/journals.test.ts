// A restored ledger, and journals that are lost or old too. What only a lost journal held is lost.
// Of what an old journal holds, both processors are asked before anything is sent.

import assert from 'node:assert/strict';
import { copyFileSync, rmSync } from 'node:fs';
import { test } from 'node:test';
import { decimalFromCents } from '../../src/cents.ts';
import { AGAIN } from '../buffer/seed.ts';
import { chargedAt, type AcceptedPayment } from '../world/audit.ts';
import type { Instance } from '../world/instances.ts';
import { waitUntil } from '../world/wait-until.ts';
import { needsPostgres } from './archived-ledger.ts';
import { RestoreStage } from './stage.ts';

const copyOf = ({ journalPath }: Instance): string => `${journalPath}.copy`;

test(
  `ledger and journals of one earlier moment, as a snapshot of the machine has them: nothing is charged twice after "lost" ${AGAIN}`,
  needsPostgres,
  async () => {
    await using stage = await RestoreStage.open();
    const { ledger, world } = stage;
    await stage.pay(5);
    await stage.settled();
    await ledger.backUp();
    await stage.failing(true, true);
    const held = await stage.pay(5);
    // In order, so that nothing is under way: no journal says that a processor may have one of
    // these. A probe that is killed would stay pinned to the processor that fails.
    await stage.kill('SIGTERM');
    for (const instance of world.instances) copyFileSync(instance.journalPath, copyOf(instance));
    const moment = await ledger.moment();
    await stage.failing(true, false);
    await stage.start();
    const later = await stage.pay(5);
    await stage.settled();
    const charged = await chargedAt(world);
    await ledger.archived();
    await stage.kill();
    await ledger.lose({ log: 'lost' });
    for (const instance of world.instances) copyFileSync(copyOf(instance), instance.journalPath);
    await ledger.restore(moment);
    // Now the default processor works: it would take them.
    await stage.failing(false, true);
    await stage.operate('lost');
    await stage.start();
    for (const instance of world.instances) {
      await waitUntil('it says so', () => instance.said('the journal is an older copy') === 1);
    }
    // What was held is asked about; of what came later neither ledger nor journal knows.
    await waitUntil(
      'what was held is recorded',
      async () => {
        const rows = new Set((await stage.rows()).map(({ id }) => id));
        return held.every(({ id }) => rows.has(id)) && later.every(({ id }) => !rows.has(id));
      },
      { withinMs: 60_000 },
    );
    assert.deepEqual(await chargedAt(world), charged);
    const { code, output } = await stage.repair();
    assert.equal(code, 0, output);
    await stage.failing(false, false);
    await stage.settled();
    await stage.repeat([...held, ...later]);
    await stage.settled();
    await stage.summaryAgrees();
  },
);

test(
  `a journal that is lost with the ledger: its instance waits for "lost", and what it alone held can be paid again ${AGAIN}`,
  needsPostgres,
  async () => {
    await using stage = await RestoreStage.open();
    const { ledger, world, book } = stage;
    await ledger.backUp();
    const moment = await ledger.moment();
    const settledOnes = await stage.pay(5);
    await stage.settled();
    await stage.failing(true, true);
    const held = await stage.pay(5);
    await stage.marked();
    await ledger.archived();
    await stage.kill();
    await ledger.lose({ log: 'lost' });
    for (const { journalPath } of world.instances) rmSync(journalPath);
    await ledger.restore(moment);
    await stage.failing(false, false);
    for (const instance of world.instances) await instance.restart();
    await stage.become('disagreed');
    for (const instance of world.instances) {
      const said = await instance.latest('disagreement');
      assert.match(String(said['reason']), /the ledger knows another journal of this instance/);
      assert.match(String(said['wayOn']), /npm run operate -- lost/);
    }
    await stage.kill();
    await stage.operate('lost');
    const { code, printed, output } = await stage.repair();
    assert.equal(code, 0, output);
    assert.equal(printed?.differences.length, settledOnes.length);
    await stage.start();
    await stage.repeat(settledOnes);
    // What was held is nowhere, as nobody was charged for it: a repeat is a new payment.
    book.accepted.splice(0, book.accepted.length, ...without(book.accepted, held));
    await stage.settled();
    for (const [n, { id, cents }] of held.entries()) {
      const { client } = world.instance(n % world.instances.length);
      assert.equal((await client.pay(id, decimalFromCents(cents))).status, 202);
    }
    book.accepted.push(...held);
    await stage.settled();
    await stage.summaryAgrees();
  },
);

function without(
  all: readonly AcceptedPayment[],
  some: readonly AcceptedPayment[],
): AcceptedPayment[] {
  const ids = new Set(some.map(({ id }) => id));
  return all.filter(({ id }) => !ids.has(id));
}
