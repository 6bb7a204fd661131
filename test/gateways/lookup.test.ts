// Asking a processor about a payment: which answers prove something, and which prove nothing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '../ledger/virtual-clock.ts';
import { waitUntil } from '../world/wait-until.ts';
import { chargeNumber, meetRudeServer, PATIENCE_MS } from './rude-fixture.ts';
import { answering, endingWith, resetting, type Behaviour } from './rude-server.ts';

const { correlationId: ID, requestedAtMs: AT } = chargeNumber(1);
const TIME = new Date(AT).toISOString();

const payment = (amount: string, id = ID, time = TIME): string =>
  `{"correlationId":"${id}","amount":${amount},"requestedAt":"${time}"}`;

const AMOUNTS: readonly (readonly [string, number])[] = [
  ['19.9', 1990],
  ['19.90', 1990],
  ['19.900', 1990],
  ['1.99e1', 1990],
  ['1990E-2', 1990],
  ['0.01', 1],
  ['20', 2000],
  ['20.0', 2000],
  ['4.35', 435],
  ['1.1', 110],
  ['99999999999.99', 9_999_999_999_999],
];

test('a payment is found with its cents, in any form that a number has', async (context) => {
  const { server, processor } = await meetRudeServer(context);
  for (const [text, amountCents] of AMOUNTS) {
    server.behave = answering(200, payment(text));
    const { held: found } = await processor.lookup(ID, PATIENCE_MS);
    assert.deepEqual(found, { correlationId: ID, amountCents, requestedAtMs: AT }, text);
  }
  const [first] = server.seen;
  assert.equal(first?.method, 'GET');
  assert.equal(first?.path, `/payments/${ID}`);
  assert.equal(first?.body, '');
});

test('a time is found with a zone, without one, and with more digits; an id in either case', async (context) => {
  const { server, processor } = await meetRudeServer(context);
  const bare = TIME.slice(0, -1);
  for (const time of [TIME, bare, `${bare}+00:00`, `${bare}4567Z`, `${bare}4567`]) {
    server.behave = answering(200, payment('19.90', ID.toUpperCase(), time));
    const { held: found } = await processor.lookup(ID, PATIENCE_MS);
    assert.deepEqual(found, { correlationId: ID, amountCents: 1990, requestedAtMs: AT }, time);
  }
});

test('only a 404 says that it is absent', async (context) => {
  const { server, processor } = await meetRudeServer(context);
  for (let status = 200; status < 600; status++) {
    // These have no body, so no content-length either.
    if (status === 204 || status === 304) continue;
    server.behave = answering(status, '{}');
    const expected = status === 404 ? 'absent' : 'unknown';
    assert.equal((await processor.lookup(ID, PATIENCE_MS)).held, expected, String(status));
  }
});

const NOT_SAID: readonly (readonly [string, Behaviour])[] = [
  ['no JSON', answering(200, '<html>')],
  ['no object', answering(200, '[]')],
  ['null', answering(200, 'null')],
  ['another id', answering(200, payment('19.90', chargeNumber(2).correlationId))],
  ['no amount', answering(200, `{"correlationId":"${ID}","requestedAt":"${TIME}"}`)],
  ['an amount in words', answering(200, payment('"a lot"'))],
  ['an amount below a cent', answering(200, payment('19.901'))],
  ['nothing', answering(200, payment('0'))],
  ['less than nothing', answering(200, payment('-19.90'))],
  ['more than can be counted', answering(200, payment('1e300'))],
  ['no time', answering(200, `{"correlationId":"${ID}","amount":19.90}`)],
  ['a time that is none', answering(200, payment('19.90', ID, 'yesterday'))],
  ['half of it', endingWith(`HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n${payment('1')}`)],
  ['a reset', resetting],
];

for (const [what, behaviour] of NOT_SAID) {
  test(`an answer with ${what} proves nothing`, async (context) => {
    const { server, processor } = await meetRudeServer(context);
    server.behave = behaviour;
    assert.equal((await processor.lookup(ID, PATIENCE_MS)).held, 'unknown');
  });
}

test('no answer in time proves nothing', async (context) => {
  const clock = new VirtualClock();
  const { server, processor } = await meetRudeServer(context, { clock });
  const found = processor.lookup(ID, 300);
  await waitUntil('it is read', () => server.seen.length === 1);
  await clock.advance(300);
  assert.equal((await found).held, 'unknown');
});

test('health is what was said, and undefined when it was not', async (context) => {
  const { server, processor } = await meetRudeServer(context);
  const saying = async (status: number, body: string): Promise<unknown> => {
    server.behave = answering(status, body);
    return processor.health(PATIENCE_MS);
  };
  const good = { failing: false, minResponseTimeMs: 100 };
  assert.deepEqual(await saying(200, '{"failing":false,"minResponseTime":100}'), good);
  const bad = { failing: true, minResponseTimeMs: 0 };
  assert.deepEqual(await saying(200, '{"failing":true,"minResponseTime":-5}'), bad);
  assert.equal(server.seen.at(-1)?.path, '/payments/service-health');
  assert.equal(await saying(429, '{"failing":false,"minResponseTime":100}'), undefined);
  for (const body of ['', '{}', '{"failing":"no","minResponseTime":1}', '{"failing":true}']) {
    assert.equal(await saying(200, body), undefined, body);
  }
  server.behave = resetting;
  assert.equal(await processor.health(PATIENCE_MS), undefined);
});
