// Where a value stands on an axis, and which values are written beside it.

export interface Scale {
  /** From 0 at the bottom to 1 at the top; a value outside is moved to the edge. */
  at(value: number): number;
  readonly ticks: readonly number[];
}

const TICKS = 4;

/** A step of 1, 2 or 5 times a power of ten, so that at most `ticks` of them cover `span`. */
function stepOf(span: number, ticks: number): number {
  const rough = span / ticks;
  const power = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 5, 10].find((step) => step * power >= rough) ?? 10) * power;
}

const within = (share: number): number => Math.min(1, Math.max(0, share));

/** From 0 to at least `most`. */
export function linear(most: number, ticks = TICKS): Scale {
  const span = Number.isFinite(most) && most > 0 ? most : 1;
  const step = stepOf(span, ticks);
  const count = Math.ceil(span / step - 1e-9);
  return {
    at: (value) => within(value / (count * step)),
    ticks: Array.from({ length: count + 1 }, (_, index) => index * step),
  };
}

/** Values above 0. */
export function logarithmic(least: number, most: number): Scale {
  const [low, high] = least > 0 && most > least ? [least, most] : [least || 1, (least || 1) * 10];
  const span = Math.log(high / low);
  const powers = Math.ceil(Math.log10(high)) - Math.floor(Math.log10(low)) + 1;
  const first = Math.floor(Math.log10(low));
  const steps = powers > 3 ? [1] : powers > 2 ? [1, 3] : [1, 2, 5];
  const ticks = Array.from({ length: powers }, (_, index) => 10 ** (first + index))
    .flatMap((power) => steps.map((step) => step * power))
    .filter((tick) => tick >= low && tick <= high * 1.001);
  return { at: (value) => within(Math.log(Math.max(value, low) / low) / span), ticks };
}

/** "12,000", "0.5", "3". */
export const tickText = (value: number): string =>
  value.toLocaleString('en-US', { maximumSignificantDigits: 4 });
