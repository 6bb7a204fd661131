// A secret that a request must bring.

import { createHash, timingSafeEqual } from 'node:crypto';

/**
 * Whether a text is the secret. The digests are compared, so the time tells neither the secret nor
 * its length.
 */
export function secretCheck(secret: string): (text: string) => boolean {
  const expected = digestOf(secret);
  return (text) => timingSafeEqual(digestOf(text), expected);
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
