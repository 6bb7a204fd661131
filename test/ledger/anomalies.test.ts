// Anomalies: each is logged at once and written until the table has it; a payment that waits for
// that is released then and not before.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { anomalyOf, contradictionOf, type Anomaly } from '../../src/ledger/anomaly.ts';
import { Anomalies } from '../../src/ledger/anomalies.ts';
import { anomaliesIn } from '../world/anomalies.ts';
import { DatabaseServer } from '../world/database.ts';
import { makeLedger, rowOf } from './ledger-fixture.ts';
import { VirtualClock } from './virtual-clock.ts';

let server: DatabaseServer;
before(async () => {
  server = await DatabaseServer.start();
});
after(() => server.close());

const noAnomaly: (of: Anomaly) => boolean = () => false;

const anomaly = (n: number, cents = 1): Anomaly =>
  anomalyOf('settled with another amount', rowOf(n).correlationId, {
    accepted: { amountCents: cents },
    recorded: { amountCents: 2 },
  });

interface Bench {
  readonly clock: VirtualClock;
  readonly anomalies: Anomalies;
  readonly said: unknown[][];
  /** Ids in the order in which they were written. */
  readonly written: string[];
  readonly table: { refuses: (of: Anomaly) => boolean };
}

function setUp(): Bench {
  const clock = new VirtualClock();
  const said: unknown[][] = [];
  const written: string[] = [];
  const table = { refuses: noAnomaly };
  const say =
    (level: string) =>
    (event: string, { correlationId, failures }: Record<string, unknown> = {}): unknown =>
      said.push([level, event, correlationId ?? failures]);
  const anomalies = new Anomalies({
    clock,
    log: { info: say('info'), warn: say('warn'), error: say('error') },
    ledger: {
      recordAnomalies: async (batch) => {
        if (batch.some(table.refuses)) throw new Error('the ledger is away');
        written.push(...batch.map(({ correlationId }) => correlationId));
      },
    },
  });
  return { clock, anomalies, said, written, table };
}

const ids = (...numbers: readonly number[]): string[] => numbers.map((n) => rowOf(n).correlationId);

test('while the ledger is away each anomaly is in the log at once, and in the table when it is back', async () => {
  const { clock, anomalies, said, written, table } = setUp();
  table.refuses = () => true;
  for (let n = 0; n < 250; n++) anomalies.report(anomaly(n));
  assert.equal(said.length, 250);
  assert.deepEqual(said[249], ['error', 'settled with another amount', ...ids(249)]);
  await clock.advance(60_000);
  assert.deepEqual([anomalies.pending, anomalies.found], [250, 250]);
  assert.deepEqual(said.slice(250), [['warn', 'anomalies can not be written', undefined]]);
  table.refuses = () => false;
  await clock.advance(5_000);
  assert.deepEqual(new Set(written), new Set(ids(...Array.from({ length: 250 }, (_, n) => n))));
  assert.equal(written.length, 250);
  assert.equal(anomalies.pending, 0);
  assert.deepEqual(said.at(-1)?.slice(0, 2), ['info', 'anomalies are written again']);
  assert.equal(clock.timers, 0);
});

test('what waits for a payment goes on once all of its anomalies are in the table', async () => {
  const { clock, anomalies, said, table } = setUp();
  const went: number[] = [];
  table.refuses = () => true;
  anomalies.report(anomaly(1));
  anomalies.report(anomaly(2));
  anomalies.report(anomaly(1, 5));
  for (const n of [1, 2, 3]) {
    const waits = anomalies.whenRecorded(rowOf(n).correlationId, () => went.push(n));
    assert.equal(waits, n < 3, `${n} has anomalies or none`);
  }
  await clock.advance(10_000);
  assert.deepEqual(went, []);
  // One that the table doesn't take holds up its own payment only.
  table.refuses = ({ accepted }) => accepted.amountCents === 5;
  await clock.advance(60_000);
  assert.deepEqual(went, [2]);
  const lines = said.filter(([level]) => level !== 'error');
  assert.equal(lines.length, 1, 'one outage is one line until it is over');
  table.refuses = () => false;
  await clock.advance(10_000);
  assert.deepEqual(went, [2, 1]);
  assert.equal(
    anomalies.whenRecorded(rowOf(1).correlationId, () => {}),
    false,
  );
});

test('in the ledger the same finding adds nothing, another one of the same payment does', async (context) => {
  const { url, reader } = await makeLedger(server, context);
  const charged = rowOf(1, 1990, 1_752_500_000_123, 0);
  const found = contradictionOf(charged, { ...charged, processor: 1, amountCents: 777 });
  await reader.recordAnomalies(0, [found, anomaly(1)]);
  await reader.recordAnomalies(1, [anomaly(1), found, anomaly(2), anomaly(2)]);
  await reader.recordAnomalies(0, [anomaly(1, 5)]);
  const kept = await anomaliesIn(url);
  const [one, two] = ids(1, 2);
  assert.deepEqual(
    new Set(kept.map(({ id, instance, accepted }) => [id, instance, accepted.amountCents].join())),
    new Set([`${one},0,`, `${one},0,1`, `${one},0,5`, `${two},1,1`]),
  );
  assert.equal(kept.length, 4);
  const requestedAt = '2025-07-14T13:33:20.123Z';
  const [contradiction] = kept.filter(({ kind }) => kind === 'charged at both processors');
  assert.deepEqual(contradiction, {
    id: charged.correlationId,
    kind: 'charged at both processors',
    accepted: {},
    charged: { processor: 'default', amountCents: 1990, requestedAt },
    recorded: { processor: 'fallback', amountCents: 777, requestedAt },
    instance: 0,
  });
});
