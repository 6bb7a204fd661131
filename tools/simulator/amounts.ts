// Amounts and fees as a processor computes them: integer cents from decimal digits, and exact
// decimals from those. More than two places are rounded half to even (.NET's decimal.Round),
// without floats.

import { decimalFromCents } from '../../src/cents.ts';

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
/** More digits than any safe integer has. */
const CENT_DIGITS_MAX = 16;

/** The cents of a JSON number, rounded half to even; undefined if they are no safe integer. */
export function centsHalfEven(text: string): number | undefined {
  const [, sign, whole = '', fraction = '', exponent = '0'] = DECIMAL.exec(text) ?? [];
  if (sign === undefined) return undefined;
  const leading = whole + fraction;
  const digits = leading.replace(/^0+/, '');
  if (digits === '') return 0;
  // The first `kept` digits are whole cents, the rest is a fraction. If `kept` is negative, zeros
  // come first.
  const kept = whole.length - (leading.length - digits.length) + Number(exponent) + 2;
  if (kept < 0) return 0;
  if (kept > CENT_DIGITS_MAX) return undefined;

  const down = Number(digits.slice(0, kept).padEnd(kept, '0'));
  const cents = down + (roundsUp(digits.slice(kept), down) ? 1 : 0);
  if (!Number.isSafeInteger(cents)) return undefined;
  return sign === '-' && cents > 0 ? -cents : cents;
}

/** Whether 0.`rest` of a cent rounds `down` up. */
function roundsUp(rest: string, down: number): boolean {
  const tenth = rest.charAt(0);
  if (tenth !== '5') return tenth > '5';
  return /[1-9]/.test(rest.slice(1)) || down % 2 === 1;
}

/** "-19.90" for -1990: a processor accepts every amount. */
export function signedDecimal(cents: number | bigint): string {
  return cents < 0 ? `-${decimalFromCents(-cents)}` : decimalFromCents(cents);
}

/** The exact fee on `cents` at `feeBps` hundredths of a percent, with two to six places. */
export function feeDecimal(cents: bigint, feeBps: number): string {
  const millionths = cents * BigInt(feeBps);
  const size = millionths < 0n ? -millionths : millionths;
  const digits = size.toString().padStart(7, '0');
  const places = digits.slice(-6).replace(/0{1,4}$/, '');
  return `${millionths < 0n ? '-' : ''}${digits.slice(0, -6)}.${places}`;
}
