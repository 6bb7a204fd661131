// What a hostile or broken client sends: each case is bytes, and the payments that they may make.

import { isId } from '../../src/payment.ts';
import type { Random } from '../buffer/seed.ts';
import { bodyOf, newPayment, oneOf, requestOf, type Payment } from './framing.ts';
import { smuggled } from './smuggled.ts';

export interface Case {
  readonly name: string;
  readonly bytes: Buffer;
  /** Whether the bytes go out one by one. */
  readonly isSlow?: boolean;
  /**
   * What the client does after its last byte. 'waits': its last request asks for the end of the
   * connection, so that all answers arrive. 'leaves': it reads no answer. By default it ends its
   * half of the connection: an instance then ends the other half, also before an answer.
   */
  readonly afterwards?: 'waits' | 'leaves';
  /** All of them and no other may be accepted. */
  readonly payments: readonly Payment[];
  /** Whether each of `payments` is whole and valid, and so must be accepted. */
  readonly isWhole?: boolean;
}

type Maker = (random: Random) => Case;

const latin = (text: string): Buffer => Buffer.from(text, 'latin1');
const GET = 'GET /payments-summary HTTP/1.1\r\nHost: x\r\n\r\n';

const LAST = GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n');

const whole: Maker = (random) => {
  const payments: Payment[] = [];
  let text = '';
  for (let n = 1 + random.below(4); n > 0; n--) {
    const payment = newPayment(random);
    payments.push(payment);
    text += requestOf(random, payment) + (random.chance(0.2) ? GET : '');
  }
  return { name: 'whole', bytes: latin(text + LAST), payments, isWhole: true, afterwards: 'waits' };
};

const old: Maker = (random) => {
  const payment = newPayment(random);
  const bytes = latin(requestOf(random, payment, '1.0'));
  return { name: 'HTTP/1.0', bytes, payments: [payment], isWhole: true, afterwards: 'waits' };
};

/** An instance ends the connection after its answer: what comes behind is not for it. */
const upgrade: Maker = (random) => {
  const payment = newPayment(random);
  const lines = 'HTTP/1.1\r\nUpgrade: h2c\r\nConnection: upgrade\r\n';
  const text = requestOf(random, payment).replace('HTTP/1.1\r\n', lines);
  const bytes = latin(text + LAST);
  return { name: 'upgrade', bytes, payments: [payment], isWhole: true, afterwards: 'waits' };
};

const slow: Maker = (random) => {
  const payment = newPayment(random);
  const bytes = latin(requestOf(random, payment) + LAST);
  const kind = { isWhole: true, isSlow: true, afterwards: 'waits' } as const;
  return { name: 'slow', bytes, payments: [payment], ...kind };
};

const leavesAt = (random: Random, probability: number): Pick<Case, 'afterwards'> =>
  random.chance(probability) ? { afterwards: 'leaves' } : {};

const cut: Maker = (random) => {
  const text = requestOf(random, newPayment(random), oneOf(random, ['1.0', '1.1']));
  // The white space at the end of a body belongs to it: what is missing is missing.
  const bytes = latin(text.slice(0, random.below(text.length)));
  return { name: 'cut', bytes, payments: [], ...leavesAt(random, 0.5) };
};

const cutBehindWhole: Maker = (random) => {
  const payment = newPayment(random);
  const next = requestOf(random, newPayment(random));
  const bytes = latin(requestOf(random, payment) + next.slice(0, random.below(next.length)));
  return { name: 'cut behind whole', bytes, payments: [payment] };
};

/** Bytes that are taken for something else where they stand. */
const TOKENS = [0, 10, 13, 32, 9, 11, 34, 44, 58, 59, 123, 125, 127, 128, 255];

const mutated: Maker = (random) => {
  const body = bodyOf(random, newPayment(random));
  const [head = ''] = requestOf(random, newPayment(random), '1.0').split('\r\n\r\n');
  const framed = `${head.replace(/content-length: \d+/i, `Content-Length: ${body.length}`)}\r\n\r\n${body}`;
  let bytes = latin(framed.replace('HTTP/1.0', 'HTTP/1.1') + (random.chance(0.3) ? GET : ''));
  for (let n = 1 + random.below(4); n > 0; n--) bytes = mutate(random, bytes);
  return { name: 'mutated', bytes, payments: paymentsIn(bytes.toString('latin1')) };
};

/** With one byte changed, added or taken away, or some repeated. */
export function mutate(random: Random, bytes: Buffer): Buffer {
  const at = random.below(bytes.length);
  const token = random.chance(0.5) ? oneOf(random, TOKENS) : random.below(256);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at + 1)];
  switch (random.below(4)) {
    case 0:
      return Buffer.concat([before, after]);
    case 1:
      return Buffer.concat([before, Buffer.of(token), bytes.subarray(at)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at + random.below(40)), bytes.subarray(at)]);
    default:
      return Buffer.concat([before, Buffer.of(token), after]);
  }
}

/** Every JSON object in the text that is a payment. */
function paymentsIn(text: string): Payment[] {
  const found: Payment[] = [];
  for (let start = text.indexOf('{'); start >= 0; start = text.indexOf('{', start + 1)) {
    for (let end = text.indexOf('}', start); end >= 0; end = text.indexOf('}', end + 1)) {
      const { correlationId, amount } = parse(text.slice(start, end + 1));
      if (typeof correlationId !== 'string' || typeof amount !== 'number') continue;
      if (isId(correlationId))
        found.push({ id: correlationId.toLowerCase(), cents: Math.round(amount * 100) });
    }
  }
  return found;
}

function parse(text: string): { readonly correlationId?: unknown; readonly amount?: unknown } {
  try {
    return JSON.parse(text) as object;
  } catch {
    return {};
  }
}

const GARBAGE: readonly ((random: Random) => Buffer | string)[] = [
  (random) => Buffer.from(Array.from({ length: 1 + random.below(2_000) }, () => random.below(256))),
  // A TLS 1.3 client that sends data before the handshake.
  (random) =>
    Buffer.concat([
      Buffer.from('1603010200010001fc0303', 'hex'),
      Buffer.alloc(500, random.below(256)),
    ]),
  () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0',
  () => '\0'.repeat(5_000),
  () => '\r\n'.repeat(20_000),
  () => `GET / HTTP/1.1\r\n${'X: y\r\n'.repeat(3_000)}\r\n`,
  () => `GET / HTTP/1.1\r\nHost: x\r\nX: ${'z'.repeat(70_000)}\r\n\r\n`,
  () => `GET /${'z'.repeat(70_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
  () => 'CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\nhello',
  () => 'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n',
  () => `TRACE /payments HTTP/1.1\r\nHost: x\r\n\r\n${GET}`,
  () => 'HEAD /payments-summary HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  () => 'GET /%2e%2e/internal/status HTTP/1.1\r\nHost: x\r\n\r\n',
  () => 'GET /payments-summary?from=%00&to=\xff HTTP/1.1\r\nHost: x\r\n\r\n',
  () => 'GET http:///payments HTTP/1.1\r\nHost: x\r\n\r\n',
  () => 'GET ftp://x/payments HTTP/1.1\r\nHost: x\r\n\r\n',
  () => '\x16',
];

const garbage: Maker = (random) => {
  const bytes = oneOf(random, GARBAGE)(random);
  return {
    name: 'garbage',
    bytes: typeof bytes === 'string' ? latin(bytes) : bytes,
    payments: [],
    ...leavesAt(random, 0.2),
  };
};

const ambiguous: Maker = (random) => {
  const { name, text, payments } = smuggled(random);
  return { name, bytes: latin(text), payments };
};

const MAKERS = [
  whole,
  whole,
  old,
  upgrade,
  cut,
  cut,
  cutBehindWhole,
  mutated,
  mutated,
  garbage,
  ambiguous,
];

export const nextCase: Maker = (random) =>
  random.chance(0.02) ? slow(random) : oneOf(random, MAKERS)(random);
