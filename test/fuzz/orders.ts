// What a hostile or broken client sends to an admin server: orders and questions that are almost
// right, or are for a payment that is settled or that nobody holds.

import { idToText } from '../../src/payment.ts';
import type { Random } from '../buffer/seed.ts';
import { mutate, type Case } from './cases.ts';
import { oneOf } from './framing.ts';

/** Of those that may be asked: a payment that is settled, and what opens the port. */
export interface Known {
  readonly settled: string;
  readonly token: string;
}

const TEXTS = [
  '"ana"',
  '""',
  '" "',
  '7',
  'null',
  '"\\u0000"',
  '"\\ud800"',
  '"\xff"',
  '[]',
  '{"a":1}',
];
const FLAGS = ['true', 'false', '"true"', '1', 'null'];
const PROCESSORS = [
  '"default"',
  '"fallback"',
  '"Default"',
  '"constructor"',
  '0',
  'null',
  '["default"]',
];
const ACTIONS = ['retry', 'send', 'give-up', 'Retry', 'give-up/', 'constructor', '__proto__', ''];
const TYPES = [
  'application/json',
  'application/json; charset=utf-8',
  'text/plain',
  'application/jsonp',
];
const LIMITS = [
  '1',
  '1000',
  '0',
  '1001',
  '-1',
  '1e3',
  '01',
  '%31',
  '',
  '1&limit=2',
  '9'.repeat(300),
];
const STATES = ['queued', 'set%20aside', 'set+aside', 'lost', '%', '%00', '%ff', "'--", ''];
const PATHS = ['/payments', '/anomalies', '/actions', '/snapshot', '/status', '/metrics', '/ready'];
const MORE_PATHS = [
  '/live',
  '/',
  '/page/main.js',
  '/page/../main.js',
  '/page/%2e%2e/x',
  '//',
  '/x',
];
const METHODS = ['GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'];

const RIGHT = {
  retry: '{"actor":"ana","reason":"x"}',
  send: '{"actor":"ana","reason":"x","processor":"fallback"}',
  'give-up': '{"actor":"ana","reason":"x","mayBeCharged":true}',
} as const;

const maybe = (random: Random, probability: number, text: () => string): string =>
  random.chance(probability) ? text() : '';

function bodyOf(random: Random): string {
  const text = (): string => (random.chance(0.7) ? '"ana"' : oneOf(random, TEXTS));
  const fields = [`"actor":${text()}`, `"reason":${text()}`];
  if (random.chance(0.4)) fields.push(`"processor":${oneOf(random, PROCESSORS)}`);
  if (random.chance(0.4)) fields.push(`"mayBeCharged":${oneOf(random, FLAGS)}`);
  if (random.chance(0.1)) fields.push('"__proto__":{"actor":"x"}');
  if (random.chance(0.1)) fields.push(`"more":"${'x'.repeat(random.below(6_000))}"`);
  const body = `{${random
    .shuffled(fields)
    .slice(0, 1 + random.below(6))
    .join(',')}}`;
  return random.chance(0.1) ? body.slice(0, random.below(body.length)) : body;
}

function idOf(random: Random, settled: string): string {
  if (random.chance(0.3)) return settled;
  if (random.chance(0.6)) return idToText(random.id());
  return oneOf(random, ['4711', '%00', '..', '%2e%2e', settled.toUpperCase(), `${settled}0`, "'"]);
}

/** The lines on which access depends; half of the requests may go on. */
function headersOf(random: Random, token: string): string {
  const bearer = oneOf(random, [token, token, token.slice(1), `${token}\xff`, '']);
  return [
    maybe(random, 0.8, () => `Authorization: Bearer ${bearer}\r\n`),
    maybe(
      random,
      0.1,
      () => `Origin: ${oneOf(random, ['null', 'http://x', 'http://evil', '\xff', ''])}\r\n`,
    ),
    maybe(
      random,
      0.1,
      () => `Sec-Fetch-Site: ${oneOf(random, ['cross-site', 'same-origin', 'x'])}\r\n`,
    ),
    maybe(random, 0.1, () => 'Expect: 100-continue\r\n'),
    maybe(random, 0.1, () => 'Upgrade: h2c\r\nConnection: upgrade\r\n'),
  ].join('');
}

const LAST = 'GET /live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';

function order(random: Random, { settled, token }: Known): string {
  const isRight = random.chance(0.3);
  const right = oneOf(random, Object.keys(RIGHT) as (keyof typeof RIGHT)[]);
  const body = isRight ? RIGHT[right] : bodyOf(random);
  const action = isRight ? right : oneOf(random, ACTIONS);
  const target = `/payments/${idOf(random, settled)}/${action}`;
  const type = random.chance(0.8) ? TYPES[0] : oneOf(random, TYPES);
  const framing = random.chance(0.8)
    ? `Content-Length: ${body.length}\r\n\r\n${body}`
    : `Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  const head = `POST ${target} HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\n`;
  return head + headersOf(random, token) + framing;
}

function question(random: Random, { settled, token }: Known): string {
  const byId = `/payments/${idOf(random, settled)}`;
  const path = oneOf(random, [...PATHS, ...PATHS, ...MORE_PATHS, byId, byId]);
  const limit = maybe(random, 0.5, () => `limit=${oneOf(random, LIMITS)}`);
  const state = maybe(random, 0.3, () => `&state=${oneOf(random, STATES)}`);
  const target = `${path}?${limit}${state}`;
  return `${oneOf(random, METHODS)} ${target} HTTP/1.1\r\nHost: x\r\n${headersOf(random, token)}\r\n`;
}

export function nextOrder(random: Random, known: Known): Case {
  const isOrder = random.chance(0.6);
  const text = isOrder ? order(random, known) : question(random, known);
  let bytes: Buffer = Buffer.from(text, 'latin1');
  // A HEAD's answer has a length and no body: what follows it couldn't be told apart.
  const isHead = text.startsWith('HEAD ');
  if (!isHead) bytes = Buffer.concat([bytes, Buffer.from(LAST)]);
  const name = isOrder ? 'order' : 'question';
  if (random.chance(0.7)) {
    return { name, bytes, payments: [], ...(isHead ? {} : { afterwards: 'waits' }) };
  }
  for (let n = 1 + random.below(3); n > 0; n--) bytes = mutate(random, bytes);
  const afterwards = random.chance(0.3) ? ({ afterwards: 'leaves' } as const) : {};
  return { name: `mutated ${name}`, bytes, payments: [], ...afterwards };
}
