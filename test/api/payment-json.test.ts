// The parser beside JSON.parse: both must agree on well-formed, odd and broken bodies.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PaymentInput, readPayment, type InputFault } from '../../src/api/payment-json.ts';
import { idToText } from '../../src/payment.ts';

const MAX_CENTS = 9_999_999_999_999;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

interface Read {
  readonly fault: InputFault | undefined;
  readonly id: string;
  readonly amountCents: number;
}

function read(body: string | Uint8Array): Read {
  const input = new PaymentInput();
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const fault = readPayment(bytes, MAX_CENTS, input);
  return { fault, id: idToText(input.id), amountCents: input.amountCents };
}

/**
 * The cents of a number's text, or the beginning of the reason why it is no amount, by fractions of
 * BigInt.
 */
function expectedCents(text: string): bigint | string {
  const [, sign, whole, fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) as unknown as string[];
  const digits = BigInt(`${whole}${fraction}`);
  if (digits === 0n || sign === '-') return 'must be greater than zero';
  const power = BigInt(exponent) - BigInt(fraction.length) + 2n;
  if (power > 400n) return 'must be at most';
  if (power >= 0n) {
    const cents = digits * 10n ** power;
    return cents > BigInt(MAX_CENTS) ? 'must be at most' : cents;
  }
  if (power < -400n) return 'must have at most two decimals';
  const divisor = 10n ** -power;
  if (digits % divisor !== 0n) return 'must have at most two decimals';
  const cents = digits / divisor;
  return cents > BigInt(MAX_CENTS) ? 'must be at most' : cents;
}

const space = fc.constantFrom('', '', '', ' ', '\n\t', '\r\n  ');
const idText = fc.oneof(
  { weight: 8, arbitrary: fc.uuid() },
  { weight: 2, arbitrary: fc.uuid().map((id) => id.toUpperCase()) },
  { weight: 1, arbitrary: fc.uuid().map((id) => id.slice(1)) },
  { weight: 1, arbitrary: fc.uuid().map((id) => `{${id}}`) },
  { weight: 1, arbitrary: fc.string({ maxLength: 40 }) },
);
const escaped = (text: string): string =>
  Array.from(text, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
const idJson = fc.oneof(
  { weight: 9, arbitrary: idText.map((text) => JSON.stringify(text)) },
  { weight: 1, arbitrary: idText.filter((t) => /^[ -~]*$/.test(t)).map((t) => `"${escaped(t)}"`) },
  { weight: 1, arbitrary: fc.constantFrom('null', '7', '[]', '{"a":1}', 'true') },
);
const digits = fc.stringMatching(/^(0|[1-9]\d{0,15})$/);
const amountJson = fc.oneof(
  { weight: 8, arbitrary: fc.stringMatching(/^(0|[1-9]\d{0,6})(\.\d{1,2})?$/) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(
        fc.constantFrom('', '', '', '-'),
        digits,
        fc.stringMatching(/^(\.\d{1,6})?$/),
        fc.stringMatching(/^([eE][+-]?\d{1,3})?$/),
      )
      .map((parts) => parts.join('')),
  },
  { weight: 1, arbitrary: fc.constantFrom('null', '"19.90"', '[1]', '{}', 'false') },
);
const idKey = fc.constantFrom(
  '"correlationId"',
  '"correlationId"',
  `"${escaped('correlationId')}"`,
);
const amountKey = fc.constantFrom('"amount"', '"amount"', '"\\u0061mount"');
const otherField = fc
  .tuple(
    fc.json({ maxDepth: 2 }),
    fc.constantFrom('"x"', '"amounts"', '"__proto__"', '"a\\"mount"'),
  )
  .map(([value, key]) => `${key}:${value}`);

const fieldText = ([key, gap, value]: readonly [string, string, string]): string =>
  `${key}${gap}:${gap}${value}`;

/** Usually both fields, sometimes one or none, twice, or among others. */
const fields = fc
  .tuple(
    fc.array(fc.tuple(idKey, space, idJson), { minLength: 0, maxLength: 2, size: 'max' }),
    fc.array(fc.tuple(amountKey, space, amountJson), { minLength: 0, maxLength: 2, size: 'max' }),
    fc.array(otherField, { maxLength: 1 }),
    fc.integer(),
  )
  .map(([ids, amounts, others, order]) => {
    const all = [...ids.map(fieldText), ...amounts.map(fieldText), ...others];
    if (order % 2 === 0) all.reverse();
    return { all, ids, amounts, order };
  });

const wellFormed = fc.tuple(fields, space).map(([{ all, amounts, order }, gap]) => ({
  body: `${gap}{${gap}${all.join(`${gap},${gap}`)}${gap}}${gap}`,
  amount: (order % 2 === 0 ? amounts[0] : amounts.at(-1))?.[2],
}));

test('every valid JSON body is read as JSON.parse reads it, its amount to the exact cent', () => {
  let taken = 0;
  fc.assert(
    fc.property(wellFormed, ({ body, amount }) => {
      const value = JSON.parse(body) as { correlationId?: unknown; amount?: unknown };
      const { fault, id, amountCents } = read(body);
      if (typeof value.correlationId !== 'string' || !UUID.test(value.correlationId)) {
        assert.equal(fault?.field, 'correlationId');
      } else if (typeof value.amount !== 'number') {
        assert.equal(fault?.field, 'amount');
        assert.match(fault.reason, /^(is missing|must be a number)$/);
      } else {
        const expected = expectedCents(amount as string);
        if (typeof expected === 'string') {
          assert.equal(fault?.field, 'amount');
          assert.ok(fault.reason.startsWith(expected), `${fault.reason} for ${amount}`);
        } else {
          assert.equal(fault, undefined);
          assert.equal(BigInt(amountCents), expected);
          assert.equal(id, value.correlationId.toLowerCase());
          taken++;
        }
      }
    }),
    { numRuns: 60_000 },
  );
  assert.ok(taken > 5_000, `only ${taken} bodies were payments`);
});

const mutation = fc.tuple(
  fc.nat(),
  fc.nat(255),
  fc.constantFrom('replace', 'insert', 'remove', 'cut'),
);

test('a damaged body is refused as JSON.parse refuses it, and read as JSON.parse reads it otherwise', () => {
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let broken = 0;
  fc.assert(
    fc.property(
      wellFormed,
      fc.array(mutation, { minLength: 1, maxLength: 2 }),
      ({ body }, changes) => {
        let bytes = Buffer.from(body);
        for (const [place, byte, kind] of changes) {
          const at = place % (bytes.length + 1);
          const put = kind === 'insert' || kind === 'replace' ? [byte] : [];
          const rest = kind === 'cut' ? bytes.length : at + (kind === 'insert' ? 0 : 1);
          bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(put), bytes.subarray(rest)]);
        }
        const { fault, id, amountCents } = read(bytes);
        let value: unknown;
        try {
          value = JSON.parse(utf8.decode(bytes));
        } catch {
          broken++;
          assert.equal(fault?.field, 'body');
          return;
        }
        const { correlationId, amount } = { ...(value as Record<string, unknown>) };
        if (fault === undefined) {
          assert.equal(id, String(correlationId).toLowerCase());
          // The nearest float of the same decimal.
          assert.equal(amountCents / 100, amount);
        } else if (fault.field === 'correlationId') {
          assert.ok(typeof correlationId !== 'string' || !UUID.test(correlationId));
        } else if (fault.field === 'amount' && typeof amount === 'number') {
          const cents = amount * 100;
          assert.ok(
            amount <= 0 ||
              cents > MAX_CENTS ||
              !Number.isInteger(cents) ||
              amount > 1e9 ||
              fault.reason.startsWith('must have at most two decimals'),
          );
        }
      },
    ),
    { numRuns: 60_000 },
  );
  assert.ok(broken > 10_000, `only ${broken} bodies were broken`);
});

test('the fast and the exact way agree: an unknown field changes nothing', () => {
  fc.assert(
    fc.property(wellFormed, ({ body }) => {
      const inner = body.trim().slice(1, -1).trim();
      const exact = read(`{"unknown":0${inner === '' ? '' : `,${inner}`}}`);
      const direct = read(body);
      assert.deepEqual(direct.fault, exact.fault);
      if (direct.fault === undefined) assert.deepEqual(direct, exact);
    }),
    { numRuns: 20_000 },
  );
});
