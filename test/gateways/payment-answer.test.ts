// A processor's answer about a payment is read as JSON.parse reads it, and the amount from its
// digits, wherever they stand.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { confirms, numberText, readHeld } from '../../src/gateways/payment-answer.ts';
import { SEED } from '../buffer/seed.ts';
import { chargeNumber } from './rude-fixture.ts';

const CHARGE = chargeNumber(1);
const { correlationId: ID, requestedAtMs: AT } = CHARGE;
const TIME = new Date(AT).toISOString();
const RUNS = { numRuns: 2_000, seed: SEED };

const digits = fc.stringMatching(/^-?(0|[1-9]\d{0,30})(\.\d{1,25})?([eE][+-]?\d{1,3})?$/);
const space = fc.stringMatching(/^[ \t\r\n]{0,2}$/);

/** Each way in which a key can be written. */
const written = (key: string): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom('plain', 'lower', 'upper'), {
      minLength: key.length,
      maxLength: key.length,
    })
    .map((ways) => {
      const letters = ways.map((way, n) => {
        const hex = key.charCodeAt(n).toString(16).padStart(4, '0');
        if (way === 'plain') return key[n] as string;
        return `\\u${way === 'lower' ? hex : hex.toUpperCase()}`;
      });
      return `"${letters.join('')}"`;
    });

/** Strings that look like what is looked for, and others. */
const misleading = fc
  .oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('"amount": 5', '{"amount":5}', '\\"amount":5,', ':', '"', '\\', 'amount'),
  )
  .map((text) => JSON.stringify(text));

const key = fc.oneof(
  written('amount'),
  written('correlationId'),
  fc.constantFrom('"Amount"', '"amount "', '"__proto__"', '""', '"a"'),
  misleading,
);

const { value: anyValue } = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    digits,
    misleading,
    fc.constantFrom('true', 'false', 'null', '[]', '{}'),
    tie('object'),
    fc
      .array(fc.tuple(space, tie('value'), space))
      .map((items) => `[${items.map((item) => item.join('')).join(',')}]`),
  ),
  object: membersOf(tie('value')),
}));

function membersOf(value: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .array(fc.tuple(space, key, space, fc.constant(':'), space, value, space), { maxLength: 6 })
    .map((members) => `{${members.map((member) => member.join('')).join(',')}}`);
}

test('the digits found are the number that JSON.parse finds, and none where it finds none', () => {
  let found = 0;
  const object = membersOf(fc.oneof(digits, anyValue));
  fc.assert(
    fc.property(object, space, (json, around) => {
      const text = numberText(around + json + around, 'amount');
      const { amount } = JSON.parse(json) as { amount?: unknown };
      if (typeof amount !== 'number') return assert.equal(text, undefined);
      found++;
      assert.equal(typeof text, 'string');
      assert.ok(json.includes(text as string));
      assert.equal(JSON.parse(text as string), amount);
    }),
    RUNS,
  );
  assert.ok(found > RUNS.numRuns / 10, `${found} found`);
});

test('no digit is lost, whatever stands around', () => {
  const decoys = fc.array(fc.tuple(fc.constantFrom('"fee"', '"total"', '"Amount"'), anyValue));
  fc.assert(
    fc.property(decoys, digits, written('amount'), decoys, (before, amount, name, after) => {
      const members = [...before, [name, amount], ...after].map((member) => member.join(':'));
      assert.equal(numberText(`{${members.join(',')}}`, 'amount'), amount);
    }),
    RUNS,
  );
});

test('what is no JSON object has no number in it', () => {
  const text = `{"amount":19.90}`;
  assert.equal(numberText(text, 'amount'), '19.90');
  for (let length = 0; length < text.length; length++) {
    assert.equal(numberText(text.slice(0, length), 'amount'), undefined);
  }
  for (const other of [`${text}x`, `${text}${text}`, `[${text}]`, '19.90', '"amount":19.90', '']) {
    assert.equal(numberText(other, 'amount'), undefined, other);
  }
  for (const amount of ['019.90', '+19.90', '19.', '.9', '1e', '0x10', '1_0', 'NaN', 'Infinity']) {
    assert.equal(numberText(`{"amount":${amount}}`, 'amount'), undefined, amount);
  }
});

const held = (members: string): string =>
  `{"correlationId":"${ID}",${members},"requestedAt":"${TIME}"}`;

test('a payment is read from among other members, however it is written', () => {
  for (const members of [
    '"fee":{"amount":1.0},"amount":19.90',
    '"amount":19.90,"fee":{"amount":1.0}',
    '"fees":[{"amount":1.0}],"am\\u006funt":19.90',
    '"note":"\\"amount\\": 5, \\\\","amount"\n:\t1.99E+1',
    '"amount":5,"amount":19.90',
    '"amount":19.900000000000000000000',
  ]) {
    assert.deepEqual(readHeld(held(members), ID), CHARGE, members);
  }
});

test('a time is read as it is written, in UTC when no zone is said', () => {
  const at = (time: string): number | undefined =>
    readHeld(`{"correlationId":"${ID}","amount":1,"requestedAt":"${time}"}`, ID)?.requestedAtMs;
  assert.equal(at('2025-07-15T12:34:56.789-03:00'), Date.UTC(2025, 6, 15, 15, 34, 56, 789));
  assert.equal(at('2025-07-15 12:34:56'), Date.UTC(2025, 6, 15, 12, 34, 56));
  assert.equal(at('2025-07-15T12:34:56.7899999'), Date.UTC(2025, 6, 15, 12, 34, 56, 789));
  for (const time of ['', '5', '2025-02-30T00:00:00Z', '15/07/2025', '2025-07-15T25:00:00Z']) {
    assert.equal(at(time), undefined, time);
  }
  const number = `{"correlationId":"${ID}","amount":1,"requestedAt":${AT}}`;
  assert.equal(readHeld(number, ID), undefined);
});

test('a 200 is confirmed by an object that speaks neither of an error nor of another payment', () => {
  for (const text of [
    '{}',
    '{"message":"payment processed successfully"}',
    '{"error":null,"errors":[],"success":true}',
    `{"correlationId":"${ID.toUpperCase()}","amount":19.9}`,
  ]) {
    assert.ok(confirms(text, CHARGE), text);
  }
  const others = [`{"correlationId":"${chargeNumber(2).correlationId}"}`, '{"correlationId":1}'];
  const amounts = ['{"amount":19.91}', '{"amount":"19.90"}'];
  const errors = ['{"error":"declined"}', '{"errors":["x"]}', '{"success":false}', '{"ok":false}'];
  const noObjects = ['', '<html>', 'ok', '[]', '"ok"', 'null', 'true', '{}x', '{"message":'];
  for (const text of [...others, ...amounts, ...errors, ...noObjects]) {
    assert.ok(!confirms(text, CHARGE), text);
  }
});
