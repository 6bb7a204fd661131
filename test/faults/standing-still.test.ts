// A process stands still for a while (SIGSTOP): it neither answers nor refuses, and afterwards goes on as if nothing had been.

import { test } from 'node:test';
import { AGAIN } from '../buffer/seed.ts';
import { audit } from '../world/audit.ts';
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
});

test(`both processors standing still loses and doubles nothing ${AGAIN}`, async () => {
  await using load = new Load({ clients: [world.client], random, book });
  await standsStill(load, world.processors, () =>
    waitUntil('outcomes are unknown', async () => (await unknown()) > 20),
  );
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
});
