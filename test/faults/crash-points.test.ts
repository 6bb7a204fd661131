// kill -9 between any two steps of a payment: for every row of docs/CRASHES.md a real process
// dies exactly there. What is left is what the row says, and after a restart the books are right.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { heal } from '../../tools/soak/mischief.ts';
import { idToText } from '../../src/payment.ts';
import { AGAIN } from '../buffer/seed.ts';
import { audit, type AcceptedPayment } from '../world/audit.ts';
import { processorEntries } from '../world/books.ts';
import type { Client } from '../world/client.ts';
import type { Instance } from '../world/instances.ts';
import { waitUntil } from '../world/wait-until.ts';
import type { CrashPoint } from './crash-at.ts';
import { crash, journalled, traces } from './crash.ts';
import { HAND_OVER, PURGE, ROWS, type Crash } from './crash-table.ts';
import { openStage } from './stage.ts';

const { world, random } = await openStage({
  gaps: true,
  front: false,
  environment: {
    RING_SLOTS: '64',
    CONSUMERS: '8',
    // What is sent and asked is counted: a slow machine must not pass for a lost answer.
    TIMEOUT_SLACK_MS: '60000',
    TIMEOUT_MAX_MS: '60000',
  },
});
/** Dies in all rows but that of the hand-over; the owner of every payment here. */
const owner = world.instance(0);
const other = world.instance(1);

const newPayment = (): AcceptedPayment => {
  return { id: `${idToText(random.id()).slice(0, -1)}0`, cents: 1990 };
};

const statusOf = (reply: Promise<{ readonly status: number }>): Promise<number | 'none'> =>
  reply.then(
    ({ status }) => status,
    () => 'none',
  );
const pay = (client: Client, { id }: AcceptedPayment): Promise<number | 'none'> =>
  statusOf(client.pay(id, '19.90'));
const purge = ({ client }: Instance): Promise<number | 'none'> =>
  statusOf(client.send('POST', '/purge-payments'));

async function setFailing(failing: boolean): Promise<void> {
  for (const { levers } of world.processors) await levers.setFailing(failing);
}

/** Every instance runs, and nothing is held, charged or recorded. */
async function begin(): Promise<void> {
  world.gaps.default.release();
  world.gaps.database.release();
  await heal(world.processors);
  for (const instance of world.instances) if (!instance.program.running) await instance.restart();
  assert.equal(await purge(owner), 200);
  for (const { levers } of world.processors) await levers.purge();
}

async function payDuring(payment: AcceptedPayment, { whileSent }: Crash): Promise<number | 'none'> {
  if (!whileSent) return pay(owner.client, payment);
  world.gaps.default.hold('answers');
  const answer = await pay(owner.client, payment);
  await waitUntil('its request arrives', async () => (await traces(world)).sent === 1);
  whileSent(world);
  world.gaps.default.release();
  return answer;
}

async function crashAndRepair(point: CrashPoint, row: Crash): Promise<void> {
  await begin();
  const payment = newPayment();
  await row.trouble?.(world);
  const answer = await crash(owner, point, () => payDuring(payment, row));
  await waitUntil('what was sent arrives', async () => (await traces(world)).sent >= row.left.sent);
  const { payments, torn } = journalled(owner);
  const [held] = payments;
  const pinned = held?.isCharged === true ? 'charged' : 'pinned';
  const journal = held ? (held.pinnedAtMs ? pinned : 'held') : 'nothing';
  const left = { point, ...(await traces(world)), answer, journal, torn };
  assert.deepEqual(left, { point, torn: 0, ...row.left });

  await heal(world.processors);
  await owner.restart(row.environment?.(world));
  if (row.clientRepeats) assert.equal(await pay(owner.client, payment), 202);
  await audit(world, [payment]);
  const { sent, askedAbout } = await traces(world);
  const asked = row.repaired.askedAbout === 'both' && askedAbout >= 2 ? 'both' : askedAbout;
  assert.deepEqual({ point, sent, askedAbout: asked }, { point, ...row.repaired });
  if (held?.pinnedAtMs) {
    const [charge] = (await processorEntries(world)).get(payment.id) ?? [];
    assert.equal(charge?.requestedAtMs, held.pinnedAtMs, 'it is the attempt that was pinned');
  }
  await row.aftermath?.(world);
  await audit(world, [payment]);
}

for (const [name, crashes] of Object.entries(ROWS)) {
  test(`${titleOf(name)} ${AGAIN}`, async () => {
    for (const row of crashes) for (const point of row.points) await crashAndRepair(point, row);
  });
}

test(`${titleOf(HAND_OVER.name)} ${AGAIN}`, async () => {
  for (const point of HAND_OVER.points) {
    await begin();
    const payment = newPayment();
    // The owner is to know it when it comes again.
    await setFailing(true);
    await owner.kill();
    const answer = await crash(other, point, async () => {
      const told = await pay(other.client, payment);
      await owner.restart();
      return told;
    });
    assert.equal(answer, 202);
    const has = async (): Promise<boolean> => (await owner.status()).held === 1;
    // An owner doesn't take an offer once it has seen that the sender is gone.
    if (point !== 'offer sent') await waitUntil('the owner has it', has);
    const handedOver = { id: payment.id, pinnedAtMs: undefined, isCharged: false };
    assert.deepEqual(journalled(other).payments, [handedOver]);

    await other.restart();
    await waitUntil('it is handed over again', async () => (await other.status()).held === 0);
    const { accepted, held } = await owner.status();
    assert.deepEqual({ accepted, held }, { accepted: 1, held: 1 });
    await setFailing(false);
    await audit(world, [payment]);
  }
});

test(`${titleOf(PURGE.name)} ${AGAIN}`, async () => {
  for (const [n, point] of PURGE.points.entries()) {
    await begin();
    const settled = newPayment();
    assert.equal(await pay(owner.client, settled), 202);
    await audit(world, [settled]);
    const payments = [newPayment(), newPayment()];
    const answer = await crash(owner, point, async () => {
      await setFailing(true);
      for (const payment of payments) assert.equal(await pay(owner.client, payment), 202);
      return purge(owner);
    });
    assert.equal(answer, 'none');
    assert.equal((await traces(world)).recorded, 0);
    const left = journalled(owner).payments;
    assert.equal(left.length, payments.length - n);
    // Whoever purges us purges them too.
    for (const { levers } of world.processors) await levers.purge();

    await owner.restart();
    await waitUntil('they are queued', async () => (await owner.status()).held === left.length);
    if (n > 0) assert.equal(await purge(owner), 200);
    await setFailing(false);
    await audit(world, n > 0 ? [] : payments);
  }
});

test('docs/CRASHES.md has these rows with these points, and no other', () => {
  const expected = new Map<string, readonly string[]>();
  for (const [name, crashes] of Object.entries(ROWS)) {
    expected.set(
      name,
      crashes.flatMap(({ points }) => points),
    );
  }
  for (const { name, points } of [HAND_OVER, PURGE]) expected.set(name, points);
  const [, , ...rows] = readFileSync('docs/CRASHES.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('|'));
  const written = new Map<string, readonly string[]>();
  for (const row of rows) {
    const [, first, second, , , points = ''] = row.split('|').map((cell) => cell.trim());
    written.set(`${first} | ${second}`, points.split(', '));
  }
  assert.deepEqual(written, expected);
});

function titleOf(row: string): string {
  return `after ${row.replace(' | ', ', before ')}`;
}
