// A process is stopped for a while (SIGSTOP): it neither answers nor refuses, and goes on
// afterwards.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AGAIN } from '../buffer/seed.ts';
import { audit } from '../world/audit.ts';
import { Client, type Reply } from '../world/client.ts';
import { waitUntil } from '../world/wait-until.ts';
import { Load } from './load.ts';
import { openStage } from './stage.ts';

const { world, random, book } = await openStage({
  environment: {
    LEDGER_TIMEOUT_MS: '400',
    TIMEOUT_FALLBACK_MS: '300',
    TIMEOUT_SLACK_MS: '300',
    // So dear that an outage isn't waited out.
    WAIT_COST_BPS_PER_S: '10000',
  },
});

interface Stoppable {
  signal(name: NodeJS.Signals): void;
}

async function standsStill(
  load: Load,
  stopped: readonly Stoppable[],
  long: () => Promise<unknown>,
): Promise<void> {
  try {
    await load.more(60);
    for (const each of stopped) each.signal('SIGSTOP');
    await long();
  } finally {
    // A stopped process wouldn't hear that the test has failed.
    for (const each of stopped) each.signal('SIGCONT');
  }
  await load.more(60);
}

/** Ends the load, and compares the books. */
async function settle(load: Load): Promise<void> {
  await load.stop();
  await audit(world, book.accepted, { maybe: book.maybe });
}

const unknown = async (): Promise<number> => {
  const each = await Promise.all(world.instances.map((instance) => instance.status()));
  return each.reduce((sum, status) => sum + status.unknown, 0);
};

const holdsForeign = async (): Promise<boolean> => (await world.instance(1).status()).foreign > 0;

test(`while an instance stands still the other one takes its payments, and none is lost or doubled ${AGAIN}`, async () => {
  await using load = new Load({ clients: [world.client], random, book });
  await standsStill(load, [world.instance(0).program], async () => {
    await load.more(60);
    await waitUntil('it holds some for the one that stands still', holdsForeign);
  });
  await settle(load);
});

test('a payment whose client left before its connection was accepted is not taken', async () => {
  const { program, socketPath } = world.instance(0);
  const pay = (id: string, timeoutMs?: number): Promise<Reply> => {
    const body = `{"correlationId":"${id}","amount":1.00}`;
    return new Client(socketPath).send('POST', '/payments', { body, timeoutMs });
  };
  const { accepted } = await world.instance(0).status();
  program.signal('SIGSTOP');
  try {
    await assert.rejects(pay('00000000-0000-4000-8000-000000000000', 100));
  } finally {
    program.signal('SIGCONT');
  }
  const id = '00000000-0000-4000-8000-000000000002';
  // Its connection is accepted after that one.
  assert.equal((await pay(id)).status, 202);
  book.accepted.push({ id, cents: 100 });
  assert.equal((await world.instance(0).status()).accepted, accepted + 1);
});

test(`two instances that stood still in turn are rid of each other's payments while more come ${AGAIN}`, async () => {
  await using load = new Load({ clients: [world.client], random, book });
  const foreign = async (at: number): Promise<number> =>
    (await world.instance(at).status()).foreign;
  for (const [stopped, other] of [
    [0, 1],
    [1, 0],
    [0, 1],
    [1, 0],
  ] as const) {
    const before = await foreign(other);
    await standsStill(load, [world.instance(stopped).program], () =>
      waitUntil('the other one holds more for it', async () => (await foreign(other)) > before),
    );
  }
  for (const at of [0, 1]) {
    await waitUntil('nothing is held for the other one', async () => (await foreign(at)) === 0, {
      withinMs: 30_000,
    });
  }
  await settle(load);
});

test(`a processor that stands still holds up only what was under way there ${AGAIN}`, async () => {
  await using load = new Load({ clients: [world.client], random, book });
  await standsStill(load, [world.default], async () => {
    await waitUntil('outcomes are unknown', async () => (await unknown()) > 0);
    const { length } = await world.fallback.levers.payments();
    await waitUntil('others are charged at the other processor', async () => {
      return (await world.fallback.levers.payments()).length > length;
    });
  });
  await settle(load);
});

test(`both processors standing still loses and doubles nothing ${AGAIN}`, async () => {
  await using load = new Load({ clients: [world.client], random, book });
  await standsStill(load, world.processors, () =>
    waitUntil('outcomes are unknown', async () => (await unknown()) > 20),
  );
  await settle(load);
});

test(`PostgreSQL standing still loses and doubles nothing, and intake goes on ${AGAIN}`, async () => {
  await using load = new Load({ clients: [world.client], random, book });
  await standsStill(load, [world.database], async () => {
    const complains = world.instance(0).said('ledger unavailable');
    await waitUntil('the ledger is missed', () => {
      return world.instance(0).said('ledger unavailable') > complains;
    });
    await load.more(60);
  });
  await settle(load);
});
