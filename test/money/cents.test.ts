// Cents beside exact arithmetic on fractions, for every text of JSON's number grammar.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { centsFromDecimal, decimalFromCents, type AmountFault } from '../../src/cents.ts';
import { SEED } from '../buffer/seed.ts';

const MAX_CENTS = 9_999_999_999_999;

/** The same by definition: numerator and denominator in full. */
function exactly(text: string, maxCents: number): number | AmountFault {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  assert.ok(match, text);
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  let numerator = BigInt(whole + fraction) * 100n;
  let denominator = 10n ** BigInt(fraction.length);
  if (exponent.startsWith('-')) denominator *= 10n ** BigInt(exponent.slice(1));
  else numerator *= 10n ** BigInt(exponent.replace('+', ''));
  if (sign === '-' || numerator === 0n) return 'not-positive';
  if (numerator % denominator !== 0n) return 'too-precise';
  const cents = numerator / denominator;
  return cents > BigInt(maxCents) ? 'too-large' : Number(cents);
}

const digits = (most: number): fc.Arbitrary<string> =>
  fc
    .array(fc.oneof(fc.constant('0'), fc.constantFrom(...Array.from('0123456789'))), {
      minLength: 1,
      maxLength: most,
    })
    .map((all) => all.join(''));

const whole = digits(20).map((text) => text.replace(/^0+(?=\d)/, ''));
const exponent = fc
  .tuple(fc.constantFrom('e', 'E'), fc.constantFrom('', '+', '-'), fc.nat(30), fc.nat(3))
  .map(([e, sign, power, zeros]) => `${e}${sign}${'0'.repeat(zeros)}${power}`);
const decimal = fc
  .tuple(
    fc.constantFrom('', '', '', '-'),
    whole,
    fc.option(digits(20), { nil: undefined }),
    fc.option(exponent, { nil: '' }),
  )
  .map(([sign, int, frac, exp]) => `${sign}${int}${frac === undefined ? '' : `.${frac}`}${exp}`);

test('every JSON number is read exactly as its fraction says', () => {
  const maxima = fc.constantFrom(1, 99, 1990, MAX_CENTS, 99_999_999_999_999, 2 ** 53 - 1);
  fc.assert(
    fc.property(decimal, maxima, (text, maxCents) => {
      assert.equal(centsFromDecimal(text, maxCents), exactly(text, maxCents), text);
    }),
    { seed: SEED, numRuns: 20_000 },
  );
});

test('cents written are read back unchanged', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 53 - 1 }), (cents) => {
      const text = decimalFromCents(cents);
      assert.match(text, /^(0|[1-9]\d*)\.\d\d$/);
      assert.equal(centsFromDecimal(text, 2 ** 53 - 1), cents);
    }),
    { seed: SEED, numRuns: 5_000 },
  );
});

test('the edges of an amount', () => {
  const cases: readonly (readonly [string, number | AmountFault])[] = [
    ['19.90', 1990],
    ['19.9', 1990],
    ['0.01', 1],
    ['1e-2', 1],
    ['10E-3', 1],
    ['0.000001e+4', 1],
    ['99999999999.99', 9_999_999_999_999],
    ['99999999999.990', 9_999_999_999_999],
    ['100000000000.00', 'too-large'],
    ['0', 'not-positive'],
    ['-0', 'not-positive'],
    ['0.000', 'not-positive'],
    ['-19.90', 'not-positive'],
    ['0e999999999', 'not-positive'],
    ['0.001', 'too-precise'],
    ['19.999', 'too-precise'],
    ['1e-3', 'too-precise'],
    ['1.005e0', 'too-precise'],
  ];
  for (const [text, cents] of cases) assert.equal(centsFromDecimal(text, MAX_CENTS), cents, text);
});

test('an exponent of any size is answered without being expanded', () => {
  for (const power of ['17', '309', '1000000', '9'.repeat(400)]) {
    assert.equal(centsFromDecimal(`1e${power}`, MAX_CENTS), 'too-large');
    assert.equal(centsFromDecimal(`1e+${power}`, MAX_CENTS), 'too-large');
    assert.equal(centsFromDecimal(`1e-${power}`, MAX_CENTS), 'too-precise');
    assert.equal(centsFromDecimal(`0.0e${power}`, MAX_CENTS), 'not-positive');
  }
  assert.equal(centsFromDecimal(`1e${'0'.repeat(300)}1`, MAX_CENTS), 1000);
});

test('a mantissa of many zeros is exact', () => {
  const zeros = '0'.repeat(4000);
  assert.equal(centsFromDecimal(`1${zeros}e-4000`, MAX_CENTS), 100);
  assert.equal(centsFromDecimal(`0.${zeros}1e4001`, MAX_CENTS), 100);
  assert.equal(centsFromDecimal(`1${zeros}1e-4001`, MAX_CENTS), 'too-precise');
});

test('a sum beyond what a float holds is written exactly', () => {
  assert.equal(decimalFromCents(0n), '0.00');
  assert.equal(decimalFromCents(7), '0.07');
  assert.equal(decimalFromCents(1990), '19.90');
  assert.equal(decimalFromCents(12_345_678_901_234_567_890n), '123456789012345678.90');
});
