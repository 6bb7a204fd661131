// Payment number n of a soak. Its id and its cents follow from n and the seed, so no list is kept.

import { idToText } from '../../src/payment.ts';
import { Random } from '../../test/buffer/seed.ts';

export interface SeriesPayment {
  readonly id: string;
  readonly cents: number;
}

/** The outcome of a payment, one byte each in the generator's file. 0: not sent. */
export const ACCEPTED = 1;
/** Never answered 202: it may have been accepted or not. */
export const MAYBE = 2;

const CENTS_MAX = 100_000;
const GOLDEN = 0x9e3779b9;

export function paymentOf(seed: number, n: number): SeriesPayment {
  const random = new Random(seed ^ Math.imul(n + 1, GOLDEN));
  const cents = 1 + random.below(CENTS_MAX);
  // n is part of the id, so that no two ids are the same.
  const words = Uint32Array.of(n, random.word(), random.word(), random.word());
  return { id: idToText(words), cents };
}
