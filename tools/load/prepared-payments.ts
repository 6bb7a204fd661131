// The bytes of many requests with random ids, made before a load begins: to send one then costs the
// load generator no more than a write.

import { randomFillSync } from 'node:crypto';

const AMOUNT = '19.90';
const ID_BYTES = 36;
const RANDOM_BYTES = 16;
/** Where a UUID has its dashes, by the number of the byte before them. */
const DASH_AFTER = new Set([3, 5, 7, 9]);
const HEX = Buffer.from('0123456789abcdef', 'latin1');
const DASH = 0x2d;
const VERSION_4 = 0x40;
const VARIANT = 0x80;

export class PreparedPayments {
  readonly count: number;
  /** All ids, one behind the other, in 36 bytes each. */
  readonly ids: Buffer;
  readonly #bytes: Buffer;
  readonly #each: number;

  constructor(count: number) {
    const before = '{"correlationId":"';
    const after = `","amount":${AMOUNT}}`;
    const length = before.length + ID_BYTES + after.length;
    const head =
      'POST /payments HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n' +
      `Content-Length: ${length}\r\n\r\n${before}`;
    const template = Buffer.from(`${head}${'0'.repeat(ID_BYTES)}${after}`, 'latin1');
    this.count = count;
    this.#each = template.length;
    this.#bytes = Buffer.allocUnsafe(count * template.length);
    this.ids = Buffer.allocUnsafe(count * ID_BYTES);
    const random = randomFillSync(Buffer.allocUnsafe(count * RANDOM_BYTES));
    for (let index = 0; index < count; index++) {
      writeId(this.ids, index * ID_BYTES, random, index * RANDOM_BYTES);
      template.copy(this.#bytes, index * this.#each);
      this.ids.copy(
        this.#bytes,
        index * this.#each + head.length,
        index * ID_BYTES,
        (index + 1) * ID_BYTES,
      );
    }
  }

  requestOf(index: number): Buffer {
    return this.#bytes.subarray(index * this.#each, (index + 1) * this.#each);
  }
}

/** The ids in `bytes`, in order. */
export function idsIn(bytes: Buffer): string[] {
  const text = bytes.toString('latin1');
  return Array.from({ length: bytes.length / ID_BYTES }, (_, index) =>
    text.slice(index * ID_BYTES, (index + 1) * ID_BYTES),
  );
}

function writeId(ids: Buffer, at: number, random: Buffer, from: number): void {
  let to = at;
  for (let number = 0; number < RANDOM_BYTES; number++) {
    let byte = random[from + number] as number;
    if (number === 6) byte = (byte & 0x0f) | VERSION_4;
    if (number === 8) byte = (byte & 0x3f) | VARIANT;
    ids[to++] = HEX[byte >> 4] as number;
    ids[to++] = HEX[byte & 0x0f] as number;
    if (DASH_AFTER.has(number)) ids[to++] = DASH;
  }
}
