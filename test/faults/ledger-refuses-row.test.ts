// The database refuses some rows for their content: the other rows are recorded, and the refused
// ones stay held until the database takes them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decimalFromCents } from '../../src/cents.ts';
import { idToText } from '../../src/payment.ts';
import { AGAIN, Random } from '../buffer/seed.ts';
import { audit, type AcceptedPayment } from '../world/audit.ts';
import { query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openWorld, type World } from '../world/world.ts';

const FORBIDDEN_CENTS = 1313;
const ONLY_ONCE_CENTS = 1717;

/** The ids in the lines of the log with this event. */
function saying(world: World, event: string): string[] {
  return world.instances
    .flatMap(({ lines }) => lines.filter((line) => line.includes(`"event":"${event}"`)))
    .map((line) => (JSON.parse(line) as { correlationId: string }).correlationId);
}

test(`a refused row holds up no other one, is kept, and is recorded when the reason is gone ${AGAIN}`, async () => {
  const random = new Random();
  await using world = await openWorld({
    front: false,
    environment: { RING_SLOTS: '5000', DRAIN_MS: '200' },
  });
  const run = (text: string): Promise<unknown> => query(world.databaseUrl, text);
  await run(
    `ALTER TABLE payments ADD CONSTRAINT forbidden CHECK (amount_cents <> ${FORBIDDEN_CENTS})`,
  );
  await run(
    `CREATE UNIQUE INDEX only_once ON payments (amount_cents) WHERE amount_cents = ${ONLY_ONCE_CENTS}`,
  );

  const accepted: AcceptedPayment[] = Array.from({ length: 400 }, (_, n) => ({
    id: idToText(random.id()),
    cents: n % 50 === 7 ? FORBIDDEN_CENTS : n % 50 === 33 ? ONLY_ONCE_CENTS : 100 + n,
  }));
  const owner = ({ id }: AcceptedPayment) => world.instance(Number(`0x${id.at(-1)}`) % 2);
  const answers = await Promise.all(
    accepted.map((payment) =>
      owner(payment).client.pay(payment.id, decimalFromCents(payment.cents)),
    ),
  );
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [202]);

  // Eight are forbidden, and of the other eight one is recorded.
  const refused = 8 + 7;
  await waitUntil('all others are recorded, these are held', async () => {
    const each = await Promise.all(world.instances.map((instance) => instance.status()));
    const sum = (name: 'held' | 'refused' | 'unrecorded'): number =>
      each.reduce((total, status) => total + status[name], 0);
    return sum('held') === refused && sum('refused') === refused && sum('unrecorded') === refused;
  });
  // Each of them is in the log with its id, once.
  await waitUntil('each is told', () => saying(world, 'ledger refuses a row').length >= refused);
  const told = saying(world, 'ledger refuses a row');
  assert.equal(told.length, refused);
  assert.equal(new Set(told).size, refused);

  // They outlive a stop in good order, which they can't keep waiting for ever, and a kill.
  assert.equal(await world.instance(0).kill('SIGTERM'), 0);
  await world.instance(1).kill();
  await run('ALTER TABLE payments DROP CONSTRAINT forbidden');
  await run('DROP INDEX only_once');
  for (const instance of world.instances) await instance.restart();
  await audit(world, accepted);
});
