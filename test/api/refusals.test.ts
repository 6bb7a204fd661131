// Why the parser refuses a body: it names the field and the reason.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PaymentInput, readPayment, type InputFault } from '../../src/api/payment-json.ts';

const MAX_CENTS = 9_999_999_999_999;

interface Read {
  readonly fault: InputFault | undefined;
  readonly amountCents: number;
}

function read(body: string | Uint8Array): Read {
  const input = new PaymentInput();
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const fault = readPayment(bytes, MAX_CENTS, input);
  return { fault, amountCents: input.amountCents };
}

const ID = '4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3';
const refusals: readonly (readonly [string, string, string])[] = [
  ['', 'body', 'is missing'],
  ['{', 'body', 'is not valid JSON'],
  [`{"correlationId":"${ID}","amount":1} x`, 'body', 'is not valid JSON'],
  [`{"correlationId":"${ID}","amount":01}`, 'body', 'is not valid JSON'],
  [`{"correlationId":"${ID}","amount":1.}`, 'body', 'is not valid JSON'],
  ['[]', 'body', 'must be a JSON object'],
  ['null', 'body', 'must be a JSON object'],
  ['"x"', 'body', 'must be a JSON object'],
  ['{}', 'correlationId', 'is missing'],
  ['{"correlationId":7,"amount":1}', 'correlationId', 'must be a string'],
  [
    '{"correlationId":"7","amount":1}',
    'correlationId',
    'must be a UUID: 8-4-4-4-12 hexadecimal digits',
  ],
  [`{"correlationId":"${ID}"}`, 'amount', 'is missing'],
  [`{"correlationId":"${ID}","amount":"1"}`, 'amount', 'must be a number'],
  [`{"correlationId":"${ID}","amount":0}`, 'amount', 'must be greater than zero'],
  [`{"correlationId":"${ID}","amount":-1.5}`, 'amount', 'must be greater than zero'],
  [`{"correlationId":"${ID}","amount":1.005}`, 'amount', 'must have at most two decimals'],
  [`{"correlationId":"${ID}","amount":1e-99999999999}`, 'amount', 'must have at most two decimals'],
  [`{"correlationId":"${ID}","amount":1e999999999}`, 'amount', 'must be at most 99999999999.99'],
  [`{"correlationId":"${ID}","amount":100000000000}`, 'amount', 'must be at most 99999999999.99'],
];

for (const [body, field, reason] of refusals) {
  test(`${body || 'an empty body'} is refused: ${field} ${reason}`, () => {
    assert.deepEqual(read(body).fault, { field, reason });
  });
}

test('bytes that are not UTF-8, and a byte order mark, are refused', () => {
  const body = Buffer.from(`{"correlationId":"${ID}","amount":1,"x":"?"}`);
  body[body.indexOf('?')] = 0xff;
  assert.deepEqual(read(body).fault, { field: 'body', reason: 'is not valid JSON' });
  assert.equal(read(`\uFEFF{"correlationId":"${ID}","amount":1}`).fault?.field, 'body');
});

const at = (amount: string): Read => read(`{"correlationId":"${ID}","amount":${amount}}`);

test('the largest amount is taken and a cent more is not', () => {
  assert.equal(at('99999999999.99').amountCents, MAX_CENTS);
  assert.equal(at('9999999999999e-2').amountCents, MAX_CENTS);
  assert.equal(at('100000000000.00').fault?.field, 'amount');
});
