// Payments as bytes of HTTP, framed in every way that is allowed.

import { idToText } from '../../src/payment.ts';
import type { Random } from '../buffer/seed.ts';

export interface Payment {
  readonly id: string;
  readonly cents: number;
}

export function newPayment(random: Random): Payment {
  return { id: idToText(random.id()), cents: 1 + random.below(1_000_000) };
}

export const oneOf = <T>(random: Random, items: readonly T[]): T =>
  items[random.below(items.length)] as T;

const SPACES = ['', ' ', '\n', '\t ', '\r\n'];

export function bodyOf(random: Random, { id, cents }: Payment): string {
  const space = (): string => oneOf(random, SPACES);
  const amount = `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;
  const own = random.chance(0.2) ? id.toUpperCase() : id;
  const fields = [`"correlationId"${space()}:${space()}"${own}"`, `"amount":${space()}${amount}`];
  if (random.chance(0.2)) fields.reverse();
  if (random.chance(0.1)) fields.push('"more":[1,{"a":null}]');
  return `${space()}{${fields.join(`,${space()}`)}${space()}}${space()}`;
}

const HEADERS = [
  'Content-Type: application/json',
  'Content-Type: text/plain; charset=utf-7',
  'Expect: 100-continue',
  'Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Accept-Encoding: gzip;q=1.0, *;q=0',
  'X-Empty:',
  'X-Long: '.padEnd(400, 'x'),
  'x-forwarded-for: 127.0.0.1',
  'Early-Data: 1',
  'Cookie: a=b; c="d;e"',
  'Range: bytes=0-1',
  'If-None-Match: *',
  'TE: trailers, deflate;q=0.5',
  'Content-Encoding: identity',
];

const TARGETS = ['/payments', '/payments?', '/payments?a=b&%00', 'http://other:1/payments'];

/** A whole request, with a length or in chunks. */
export function requestOf(random: Random, payment: Payment, version = '1.1'): string {
  const body = bodyOf(random, payment);
  const lines = [`POST ${oneOf(random, TARGETS)} HTTP/${version}`, 'Host: x'];
  // Each once: nginx refuses some that come twice.
  lines.push(...random.shuffled(HEADERS).slice(0, random.below(4)));
  if (version === '1.0' || random.chance(0.5)) {
    lines.push(`${oneOf(random, ['Content-Length', 'content-length'])}: ${body.length}`);
    return `${lines.join('\r\n')}\r\n\r\n${body}`;
  }
  lines.push(oneOf(random, ['Transfer-Encoding: chunked', 'transfer-encoding:Chunked']));
  return `${lines.join('\r\n')}\r\n\r\n${chunked(random, body)}`;
}

const EXTENSIONS = ['', ';a', ';a=b', ';a="b"', `;${'e'.repeat(40)}`];

function chunked(random: Random, body: string): string {
  let text = '';
  for (let at = 0; at < body.length;) {
    const data = body.slice(at, at + 1 + random.below(30));
    const digits = data.length.toString(16).padStart(random.below(5), '0');
    const size = random.chance(0.5) ? digits.toUpperCase() : digits;
    text += `${size}${oneOf(random, EXTENSIONS)}\r\n${data}\r\n`;
    at += data.length;
  }
  const trailers = random.chance(0.3) ? 'X-Sum: 1\r\nX-Other: 5\r\n' : '';
  return `${text}${'0'.repeat(1 + random.below(3))}\r\n${trailers}\r\n`;
}
