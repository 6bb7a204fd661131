// Requests whose end two servers may see in two places. The bait is a whole payment in the part
// that one of them takes for the body: where nginx and an instance disagreed, it would be accepted.
//
// nginx 1.22 and 1.26 take a bare LF for the end of a chunk; node:http 20.20 refuses it. nginx
// passes on what it read with a length, so both see the same requests: there the bait is a request.
// So it is behind a length over "Transfer_Encoding", which is no coding.

import type { Random } from '../buffer/seed.ts';
import { newPayment, oneOf, type Payment } from './framing.ts';

interface Smuggled {
  readonly name: string;
  readonly text: string;
  /** Payments that may be accepted; the bait only where it is a request to nginx. */
  readonly payments: readonly Payment[];
}

const ENDS_IN_LF = 'a chunk that ends in LF';
const NO_CODING = 'Transfer_Encoding: chunked';

const hex = (text: string): string => text.length.toString(16);
const bodyOf = ({ id, cents }: Payment): string =>
  `{"correlationId":"${id}","amount":${(cents / 100).toFixed(2)}}`;

function plain(payment: Payment): string {
  const body = bodyOf(payment);
  return `POST /payments HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** A head and a body, of which only servers that misread the head see an end before the bait. */
type Trick = (bait: string) => readonly [name: string, head: string, body: string];

/** Servers that know the coding see a body up to "0"; others see the length. */
const CODINGS = [
  'Transfer-Encoding: chunked',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding:\x0bchunked',
  'Transfer-Encoding: chunked\x0b',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: identity, chunked',
  'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
  'Transfer-Encoding:\r\n chunked',
  'X: y\nTransfer-Encoding: chunked',
  'X: y\rTransfer-Encoding: chunked',
  '\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: "chunked"',
  NO_CODING,
  'Transfer-Encoding: chunked;q=1',
];

const TRICKS: readonly Trick[] = [
  // The bait is within the length, and behind the last chunk.
  ...CODINGS.map((coding): Trick => {
    return (bait) => {
      const body = `0\r\n\r\n${bait}`;
      return [`length over ${coding}`, `Content-Length: ${body.length}\r\n${coding}`, body];
    };
  }),
  // The bait is within a chunk, and behind the length.
  ...CODINGS.map((coding): Trick => {
    return (bait) => {
      const size = `${hex(bait)}\r\n`;
      const head = `Content-Length: ${size.length}\r\n${coding}`;
      return [`chunk over ${coding}`, head, `${size}${bait}\r\n0\r\n\r\n`];
    };
  }),
  (bait) => ['two lengths', `Content-Length: 0\r\nContent-Length: ${bait.length}`, bait],
  (bait) => ['a list of lengths', `Content-Length: 0, ${bait.length}`, bait],
  (bait) => ['a length with a sign', `Content-Length: +${bait.length}`, bait],
  (bait) => ['a hexadecimal length', `Content-Length: 0x${hex(bait)}`, bait],
  (bait) => ['a length with a blank', `Content-Length: 0 ${bait.length}`, bait],
  (bait) => ['a folded length', `Content-Length: 0\r\n ${bait.length}`, bait],
  (bait) => ['a length too large', `Content-Length: ${2n ** 64n}${bait.length}`, bait],
  (bait) => ['a blank before the colon', `Content-Length : ${bait.length}`, bait],
  (bait) => ['a NUL in the length', `Content-Length: 0\0${bait.length}`, bait],
  (bait) => ['a size too large', CODINGS[0] as string, `${'f'.repeat(17)}0\r\n${bait}`],
  (bait) => ['a size with a sign', CODINGS[0] as string, `-${hex(bait)}\r\n${bait}\r\n0\r\n\r\n`],
  (bait) => ['a size with 0x', CODINGS[0] as string, `0x${hex(bait)}\r\n${bait}\r\n0\r\n\r\n`],
  (bait) => ['an extension with LF', CODINGS[0] as string, `5;a\n${bait}\r\n0\r\n\r\n`],
  (bait) => [ENDS_IN_LF, CODINGS[0] as string, `1\r\nx\n0\r\n\r\n${bait}`],
  (bait) => ['a body within a body', `Content-Length: ${bait.length}`, bait],
  (bait) => ['a chunk within a body', CODINGS[0] as string, `${hex(bait)}\r\n${bait}\r\n0\r\n\r\n`],
];

/** Behind it comes a good payment: it may be accepted where the connection goes on. */
export function smuggled(random: Random): Smuggled {
  const hidden = newPayment(random);
  const [name, head, body] = oneOf(random, TRICKS)(plain(hidden));
  const behind = newPayment(random);
  const start = oneOf(random, [
    'POST /payments',
    'POST /payments-summary',
    'GET /payments-summary',
  ]);
  const text = `${start} HTTP/1.1\r\nHost: x\r\n${head}\r\n\r\n${body}${plain(behind)}`;
  if (name === ENDS_IN_LF) return { name, text, payments: [hidden, behind] };
  if (name === `chunk over ${NO_CODING}`) return { name, text, payments: [hidden] };
  return { name, text, payments: [behind] };
}
