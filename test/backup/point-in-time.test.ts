// The database is lost under load. Restored to a moment before its end: what its rows lack is found
// at the processors and recorded again, and nothing is charged twice. Restored to its end: nothing
// is missing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idToText } from '../../src/payment.ts';
import { AGAIN } from '../buffer/seed.ts';
import { Load } from '../faults/load.ts';
import { needsPostgres } from './archived-ledger.ts';
import { RestoreStage } from './stage.ts';

test(
  `a ledger that was lost under load, and restored to an earlier moment, is whole again ${AGAIN}`,
  needsPostgres,
  async () => {
    await using stage = await RestoreStage.open();
    const { ledger, world, random, book, clients } = stage;
    // Some answers are lost, so there are outcomes that are not known; some payments are declined.
    await world.default.levers.setFault({ kind: 'drop-after-insert', share: 0.03 });
    let moment: string;
    {
      await using load = new Load({ clients, random, book });
      await load.more(200);
      await ledger.backUp();
      await load.more(200);
      moment = await ledger.moment();
      await load.more(200);
      await stage.marked();
      await ledger.archived();
      await load.more(200);
      await ledger.lose({ log: 'lost' });
      // Payments are taken meanwhile, and charged too.
      await load.more(200);
      await stage.kill();
      await load.stop();
    }
    await world.default.levers.setFault({ kind: 'none' });
    await ledger.restore(moment);

    // Without the operator's word nothing is taken and nothing is sent.
    for (const instance of world.instances) await instance.restart();
    await stage.become('disagreed');
    for (const instance of world.instances) {
      const { status, body } = await instance.client.pay(idToText(random.id()), '1.00');
      assert.equal(status, 503);
      assert.match(body, /the ledger went back in time/);
      const said = await instance.latest('disagreement');
      assert.match(String(said['wayOn']), /npm run operate -- adopt/);
    }
    await stage.kill();

    const kept = await stage.rows();
    await stage.operate('adopt');
    const { code, printed, output } = await stage.compare();
    assert.equal(code, 1, output);
    const missing = printed?.differences ?? [];
    assert.ok(missing.length >= 400, `${missing.length} of ${kept.length}`);
    for (const { kind, isRepairable } of missing) {
      assert.deepEqual([kind, isRepairable], ['missing in the ledger', true]);
    }
    const repaired = await stage.repair();
    assert.equal(repaired.code, 0, repaired.output);
    assert.equal((await stage.rows()).length, kept.length + missing.length);

    await stage.start();
    await stage.settled();
    await stage.summaryAgrees();
    const lost = new Set(missing.map(({ correlationId }) => correlationId));
    await stage.repeat(book.accepted.filter(({ id }) => lost.has(id)));
    await stage.settled();
    assert.equal((await stage.compare()).code, 0);
  },
);

test(
  `with the last files of its log a ledger is as it was, and the instances just go on ${AGAIN}`,
  needsPostgres,
  async () => {
    await using stage = await RestoreStage.open();
    const { ledger, world, random, book, clients } = stage;
    await ledger.backUp();
    const disagreed = world.instance(0).said('disagreement');
    {
      await using load = new Load({ clients, random, book });
      await load.more(300);
      await stage.marked();
      await load.more(100);
      await ledger.lose({ log: 'archived' });
      await load.more(50);
      await ledger.restore();
      await load.more(50);
      await load.stop();
    }
    await stage.become('agreed');
    for (const instance of world.instances) assert.equal(instance.said('disagreement'), disagreed);
    await stage.settled();
    await stage.summaryAgrees();
    assert.equal((await stage.compare()).code, 0);
  },
);
