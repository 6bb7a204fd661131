// Amounts and fees against a model that knows nothing of digits: exact fractions of bigints.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { centsHalfEven, feeDecimal, signedDecimal } from '../../tools/simulator/amounts.ts';

const RUN = { seed: 20250715, numRuns: 2_000 };

/** Rounds numerator / 10^power, half to even. */
function rounded(numerator: bigint, power: number): bigint {
  const divisor = 10n ** BigInt(power);
  const down = numerator / divisor;
  const twice = (numerator % divisor) * 2n;
  if (twice === divisor) return down + (down % 2n);
  return twice > divisor ? down + 1n : down;
}

describe('cents', () => {
  it('of known amounts', () => {
    const known: readonly (readonly [string, number | undefined])[] = [
      ['19.90', 1990],
      ['20.05', 2005],
      ['0', 0],
      ['-0.0', 0],
      ['-19.9', -1990],
      ['0.005', 0],
      ['0.015', 2],
      ['0.025', 2],
      ['0.0250000000000000000000000001', 3],
      ['-0.015', -2],
      ['0.9950', 100],
      ['1.005', 100],
      ['77.8299999999999982946974341757595539093017578125', 7783],
      ['1.99e1', 1990],
      ['1990E-2', 1990],
      ['5e-3', 0],
      ['6e-3', 1],
      ['9e-4', 0],
      ['1e-999999', 0],
      ['0e999999', 0],
      ['1e999999', undefined],
      ['90071992547409.91', Number.MAX_SAFE_INTEGER],
      ['90071992547409.92', undefined],
    ];
    for (const [text, cents] of known) assert.equal(centsHalfEven(text), cents, text);
  });

  it('of any decimal are the nearest, a tie going to the even one', () => {
    const digits = fc.bigInt({ min: 0n, max: 10n ** 15n - 1n });
    fc.assert(
      fc.property(digits, fc.integer({ min: 3, max: 9 }), (number, places) => {
        const all = number.toString().padStart(places + 1, '0');
        const text = `${all.slice(0, -places)}.${all.slice(-places)}`;
        assert.equal(centsHalfEven(text), Number(rounded(number, places - 2)));
        assert.equal(centsHalfEven(`${number}e-${places}`), centsHalfEven(text));
      }),
      RUN,
    );
  });

  it('come back from their decimal', () => {
    const cents = fc.integer({ min: -(10 ** 15), max: 10 ** 15 });
    fc.assert(
      fc.property(cents, (amount) => {
        assert.equal(centsHalfEven(signedDecimal(amount)), amount);
      }),
      RUN,
    );
  });
});

describe('the fee', () => {
  it('is exact, with the places that it needs', () => {
    assert.equal(feeDecimal(0n, 500), '0.00');
    assert.equal(feeDecimal(1990n, 500), '0.995');
    assert.equal(feeDecimal(2000n, 500), '1.00');
    assert.equal(feeDecimal(1n, 1), '0.000001');
    assert.equal(feeDecimal(-1990n, 1500), '-2.985');
    assert.equal(feeDecimal(10n ** 20n + 1n, 700), '70000000000000000.0007');
  });
});
