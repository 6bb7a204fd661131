// Amounts and fees as a processor reckons them: decimal digits in, integer cents inside, exact decimals out.
// What has more than two places is rounded half to even (.NET's decimal.Round), never by way of a float.

import { decimalFromCents } from '../../src/cents.ts';

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
/** More digits than any safe integer has. */
const CENT_DIGITS_MAX = 16;

/** The cents nearest to a number in JSON's grammar, a tie going to the even one; undefined when beyond a safe integer. */
export function centsHalfEven(text: string): number | undefined {
  const [, sign, whole = '', fraction = '', exponent = '0'] = DECIMAL.exec(text) ?? [];
  if (sign === undefined) return undefined;
  const leading = whole + fraction;
  const digits = leading.replace(/^0+/, '');
  if (digits === '') return 0;
  // Of `digits`, the first `kept` are whole cents and the rest is a part of one; a negative `kept` is zeros in front.
  const kept = whole.length - (leading.length - digits.length) + Number(exponent) + 2;
  if (kept < 0) return 0;
  if (kept > CENT_DIGITS_MAX) return undefined;

  const down = Number(digits.slice(0, kept).padEnd(kept, '0'));
  const cents = down + (roundsUp(digits.slice(kept), down) ? 1 : 0);
  if (!Number.isSafeInteger(cents)) return undefined;
  return sign === '-' && cents > 0 ? -cents : cents;
}

/** Whether 0.`rest` of a cent takes `down` to the next one. */
function roundsUp(rest: string, down: number): boolean {
  const tenth = rest.charAt(0);
  if (tenth !== '5') return tenth > '5';
  return /[1-9]/.test(rest.slice(1)) || down % 2 === 1;
}

/** "-19.90" for -1990: a processor takes any amount, also one that makes no sense. */
export function signedDecimal(cents: number | bigint): string {
  return cents < 0 ? `-${decimalFromCents(-cents)}` : decimalFromCents(cents);
}

/** The fee on `cents` at `feeBps` hundredths of a percent, in full: up to six places, at least two. */
export function feeDecimal(cents: bigint, feeBps: number): string {
  const millionths = cents * BigInt(feeBps);
  const size = millionths < 0n ? -millionths : millionths;
  const digits = size.toString().padStart(7, '0');
  const places = digits.slice(-6).replace(/0{1,4}$/, '');
  return `${millionths < 0n ? '-' : ''}${digits.slice(0, -6)}.${places}`;
}
