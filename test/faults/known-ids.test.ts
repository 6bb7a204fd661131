// What is known of settled ids outlives a killed process, and is read from the ledger where the
// file that keeps it can't be trusted. Either way no payment is charged again.

import assert from 'node:assert/strict';
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'node:test';
import {
  decodeFilterHeader,
  encodeFilterHeader,
  FILTER_HEADER_BYTES,
} from '../../src/buffer/filter-header.ts';
import { HEADER_BYTES, readHeader } from '../../src/buffer/journal-header.ts';
import { idToText } from '../../src/payment.ts';
import { AGAIN } from '../buffer/seed.ts';
import { audit } from '../world/audit.ts';
import { query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openStage } from './stage.ts';

const { world, random, book } = await openStage({ instances: 1, front: false });
const instance = world.instance(0);
const path = `${instance.journalPath}.filter`;

async function pay(count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const id = idToText(random.id());
    assert.equal((await instance.client.pay(id, '19.90')).status, 202);
    book.accepted.push({ id, cents: 1990 });
  }
}

const settled = (): Promise<void> => audit(world, book.accepted);

/** Each is posted again, and each answer is the earlier one's: nothing is charged again. */
async function repeatAll(): Promise<void> {
  for (const { id } of book.accepted) {
    assert.equal((await instance.client.pay(id, '19.90')).status, 202);
    assert.equal((await instance.client.pay(id, '19.91')).status, 409);
  }
  await settled();
}

/** The journal's header names the file. */
function isKept(): boolean {
  const bytes = Buffer.alloc(HEADER_BYTES);
  const descriptor = openSync(instance.journalPath, 'r');
  readSync(descriptor, bytes, 0, HEADER_BYTES, 0);
  closeSync(descriptor);
  return (readHeader(bytes)?.filterId ?? 0) !== 0;
}

const known = (times: number): Promise<unknown> =>
  waitUntil('the settled ids are known', () => instance.said('settled ids known') >= times);

/** Starts it after a kill; says from where it knows the ids, and why not from the file. */
async function startAgain(): Promise<{ readonly from: unknown; readonly why: unknown }> {
  const times = instance.said('settled ids known') + 1;
  const event = 'settled ids are read from the ledger';
  const told = instance.said(event);
  await instance.restart();
  await known(times);
  const isNew = instance.said(event) > told;
  const why = isNew ? (await instance.latest(event))['why'] : undefined;
  return { from: (await instance.latest('settled ids known'))['from'], why };
}

const kept = (): Promise<unknown> => waitUntil('the settled ids are kept', isKept);

test(`after a kill the settled ids are known from the file, again and again ${AGAIN}`, async () => {
  await kept();
  for (let round = 0; round < 3; round++) {
    await pay(30);
    await settled();
    await pay(10);
    await instance.kill();
    assert.deepEqual(await startAgain(), { from: 'file', why: undefined });
    await settled();
    await repeatAll();
  }
});

function rewriteHeader(changes: Readonly<Record<string, unknown>>): void {
  const bytes = readFileSync(path);
  const header = decodeFilterHeader(bytes.subarray(0, FILTER_HEADER_BYTES));
  assert.ok(header);
  bytes.set(encodeFilterHeader({ ...header, ...changes }), 0);
  writeFileSync(path, bytes);
}

function flip(at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] as number) ^ 4;
  writeFileSync(path, bytes);
}

const other = '30000000-0000-0000-0000-000000000009';
const DAMAGES: readonly (readonly [string, RegExp, () => void])[] = [
  ['is gone', /no file/, () => rmSync(path)],
  ['is cut short', /damaged/, () => truncateSync(path, readFileSync(path).length - 64)],
  ['has another bit', /damaged/, () => flip(FILTER_HEADER_BYTES + 200_003)],
  ['has another bit in its header', /header is damaged/, () => flip(70)],
  ['was written before the machine was started', /started/, () => rewriteHeader({ bootId: other })],
  ['belongs to another ledger', /ledger/, () => rewriteHeader({ ledgerId: other })],
  ['belongs to another instance', /another instance/, () => rewriteHeader({ instance: 1 })],
];

for (const [what, expected, damage] of DAMAGES) {
  test(`a file that ${what} is not trusted, and the next one is ${AGAIN}`, async () => {
    await pay(5);
    await settled();
    await instance.kill();
    damage();
    const { from, why } = await startAgain();
    assert.equal(from, 'ledger');
    assert.match(String(why), expected);
    await repeatAll();
    await kept();
    await instance.kill();
    assert.deepEqual(await startAgain(), { from: 'file', why: undefined });
  });
}

test(`an older copy of the file is not trusted ${AGAIN}`, async () => {
  copyFileSync(path, `${path}.older`);
  await pay(5);
  await settled();
  await instance.kill('SIGTERM');
  copyFileSync(`${path}.older`, path);
  const { from, why } = await startAgain();
  assert.equal(from, 'ledger');
  assert.match(String(why), /older copy/);
  await repeatAll();
  await kept();
});

test(`where the file can't be used the instance runs as without it ${AGAIN}`, async () => {
  await instance.kill();
  rmSync(path);
  mkdirSync(path);
  const before = instance.said('settled ids can not be kept');
  assert.equal((await startAgain()).from, 'ledger');
  assert.equal(instance.said('settled ids can not be kept'), before + 1);
  await pay(5);
  await repeatAll();
  await instance.kill();
  rmSync(path, { recursive: true });
  assert.equal((await startAgain()).from, 'ledger');
  await kept();
});

test(`what was repaired while the instance was down is known before the file counts ${AGAIN}`, async () => {
  const { databaseUrl } = world;
  const id = idToText(random.id());
  await settled();
  await instance.kill();
  await query(databaseUrl, `INSERT INTO payments VALUES ('${id}', 0, 1990, now())`);
  await query(
    databaseUrl,
    `INSERT INTO operator_actions (action, correlation_id, actor, reason, details)
     VALUES ('repair', '${id}', 'ana', 'a test', '{}')`,
  );
  assert.equal((await startAgain()).from, 'file');
  assert.equal((await instance.client.pay(id, '19.91')).status, 409);
  await query(databaseUrl, `DELETE FROM payments WHERE correlation_id = '${id}'`);
  await settled();
});

test(`rows that somebody adds by hand are learned in time, and the log says so ${AGAIN}`, async () => {
  const { databaseUrl } = world;
  const id = idToText(random.id());
  await instance.kill();
  await query(databaseUrl, `INSERT INTO payments VALUES ('${id}', 0, 1990, now())`);
  assert.equal((await startAgain()).from, 'file');
  assert.equal((await instance.latest('settled ids were missing'))['ids'], 1);
  assert.equal((await instance.client.pay(id, '19.91')).status, 409);
  await query(databaseUrl, `DELETE FROM payments WHERE correlation_id = '${id}'`);
  await settled();
});

test(`a purge forgets what is kept, too, and a kill right after it brings nothing back ${AGAIN}`, async () => {
  await settled();
  assert.equal((await instance.client.send('POST', '/purge-payments')).status, 200);
  for (const { levers } of world.processors) await levers.purge();
  const forgotten = book.accepted.splice(0, 20);
  book.accepted.length = 0;
  await instance.kill();
  await startAgain();
  await kept();
  await instance.kill();
  assert.equal((await startAgain()).from, 'file');
  // What was purged is new when it comes again.
  for (const { id, cents } of forgotten) {
    assert.equal((await instance.client.pay(id, '19.90')).status, 202);
    book.accepted.push({ id, cents });
  }
  await settled();
  await pay(10);
  await repeatAll();
});
