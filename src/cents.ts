// Converts amounts between decimal text and integer cents. No float holds an amount on the way.

/** Why a decimal is not a valid amount. */
export type AmountFault = 'not-positive' | 'too-precise' | 'too-large';

/** A longer exponent needs no expansion: the value is above any maximum, or below a cent. */
const EXPONENT_DIGITS_MAX = 6;

/**
 * Converts a number in JSON's grammar ("19.9", "1.99e1", "-0") to cents, exactly: 1 to `maxCents`,
 * which is a safe integer. Trailing zeros don't count as precision: "19.900" is 1990 cents.
 */
export function centsFromDecimal(text: string, maxCents: number): number | AmountFault {
  const exponentAt = text.search(/e/i);
  const mantissa = exponentAt < 0 ? text : text.slice(0, exponentAt);
  if (mantissa.startsWith('-')) return 'not-positive';
  const [whole = '', fraction = ''] = mantissa.split('.');
  const all = whole + fraction;
  // Not /0+$/: a long run of zeros before another digit would take quadratic time.
  let end = all.length;
  while (all[end - 1] === '0') end--;
  const digits = all.slice(0, end).replace(/^0+/, '');
  if (digits === '') return 'not-positive';

  const trailingZeros = all.length - end;
  const written = exponentAt < 0 ? '0' : text.slice(exponentAt + 1);
  const exponentDigits = written.replace(/^[+-]?0*/, '');
  if (exponentDigits.length > EXPONENT_DIGITS_MAX) {
    return written.startsWith('-') ? 'too-precise' : 'too-large';
  }
  // cents = digits × 10^power; the 2 converts the amount to cents.
  const power = Number(written) - fraction.length + trailingZeros + 2;
  if (power < 0) return 'too-precise';
  if (digits.length + power > 16) return 'too-large';
  const cents = BigInt(digits) * 10n ** BigInt(power);
  return cents > BigInt(maxCents) ? 'too-large' : Number(cents);
}

/** Returns "19.90" for 1990. `cents` is a non-negative safe integer or a non-negative bigint. */
export function decimalFromCents(cents: number | bigint): string {
  const digits = cents.toString().padStart(3, '0');
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
