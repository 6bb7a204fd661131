// Every answer of the API: status, headers and JSON body. Constant answers are made once.

import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface Reply {
  readonly status: number;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: string;
}

function json(status: number, body: unknown, ...more: readonly string[]): Reply {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const headers = [
    'Content-Type',
    'application/json',
    'Content-Length',
    String(Buffer.byteLength(text)),
  ];
  return { status, headers: [...headers, ...more], body: text };
}

/** Every other 503 may be tried again after one second. */
const RETRY_AFTER = ['Retry-After', '1'];
/** A primary that is stopped in order hands over in less. */
const RETRY_LATE_AFTER = ['Retry-After', '5'];

export const ACCEPTED: Reply = { status: 202, headers: ['Content-Length', '0'], body: '' };
export const PURGED = json(200, { message: 'purged' });
const STILL = json(200, { message: 'still' });
export const NOT_FOUND = json(404, { error: 'not found' });
/** An error that closes the connection, since the rest of the request is not read. */
const closing = (status: number, error: string, more: Readonly<Record<string, string>>): Reply =>
  json(status, { error, ...more }, 'Connection', 'close');

export const TOO_LARGE = closing(413, 'body too large', { reason: 'must have at most 4096 bytes' });
// nginx.conf.template has the same answer.
export const NOT_HTTP = closing(400, 'bad request', {
  field: 'request',
  reason: 'is not a valid HTTP/1.0 or HTTP/1.1 request for a path',
});
export const HEAD_TOO_LARGE = closing(431, 'head too large', {
  reason: 'must have at most 16 kB, and 8 kB in a line',
});
export const METHOD_UNKNOWN = closing(501, 'not implemented', { reason: 'the method is unknown' });
export const EXTENSIONS_TOO_LARGE = closing(413, 'body too large', {
  reason: 'must have at most 16 kB of chunk extensions',
});
export const TOO_SLOW = closing(408, 'too slow', { reason: 'must arrive within 10 s' });
export const CONFLICT = json(409, {
  error: 'conflict',
  field: 'amount',
  reason: 'this correlationId was accepted with another amount',
});
export const GIVEN_UP = json(410, {
  error: 'given up',
  field: 'correlationId',
  reason: 'this payment was accepted before, and an operator gave it up',
});
/** An operator's order can't be carried out in the payment's state. */
export const conflict = (reason: string, field?: string): Reply =>
  json(409, { error: 'conflict', ...(field === undefined ? {} : { field }), reason });
export const acted = (status: 200 | 202, body: Readonly<Record<string, string>>): Reply =>
  json(status, body);
/** Another instance's answer. */
export const passedOn = (status: number, body: string): Reply =>
  status === 503 ? json(status, body, ...RETRY_AFTER) : json(status, body);
export const MISDIRECTED = json(421, {
  error: 'misdirected',
  reason: 'another instance owns this id',
});

export const WRONG_INSTANCE = json(421, {
  error: 'misdirected',
  reason: 'this is another instance than the sender takes it for',
});

export const badField = (field: string, reason: string): Reply =>
  json(400, { error: 'bad request', field, reason });
export const unauthorized = (reason: string): Reply =>
  json(401, { error: 'unauthorized', reason }, 'WWW-Authenticate', 'Bearer');
export const forbidden = (field: string, reason: string): Reply =>
  json(403, { error: 'forbidden', field, reason });
export const NOT_JSON = json(415, {
  error: 'unsupported media type',
  field: 'Content-Type',
  reason: 'must be application/json',
});
export const NO_ID = badField('correlationId', 'must be a UUID: 8-4-4-4-12 hexadecimal digits');
export const methodNotAllowed = (allow: string): Reply =>
  json(405, { error: 'method not allowed' }, 'Allow', allow);
export const unavailable = (reason: string): Reply =>
  json(503, { error: 'unavailable', reason }, ...RETRY_AFTER);
export const FULL = unavailable('no room for more payments now');
export const BUSY = unavailable('too many summaries at once');
export const PURGING = unavailable('a purge is under way');
export const STOPPING = unavailable('this instance is stopping');
export const DRAINING = unavailable('the number of instances is about to change');
const NOT_STILL = unavailable('does not hold still for this purge');
export const BROKEN = unavailable('payments can not be held safely now');
export const SPARE = unavailable('a spare: it waits for a shard');
export const LATE = json(
  503,
  { error: 'unavailable', reason: 'the journal is behind: the payment may be held, repeat it' },
  ...RETRY_LATE_AFTER,
);
export const UNSAFE = unavailable('commits are on one disk: no standby confirms them');
export const ok = (body: string): Reply => json(200, body);
export const LIVE = ok('{"live":true}');
export const text = (body: string, type: string): Reply => ({
  status: 200,
  headers: ['Content-Type', type, 'Content-Length', String(Buffer.byteLength(body))],
  body,
});
export const purgeStep = (isDone: boolean): Reply => (isDone ? STILL : NOT_STILL);

/** Connections that close after their next answer. */
const ending = new WeakSet<Socket>();

/**
 * Makes the next answer on `connection` its last: it tells the client that the connection closes.
 */
export function endAfterAnswer(connection: Socket): void {
  ending.add(connection);
}

export function send(response: ServerResponse, reply: Reply): void {
  if (ending.has(response.req.socket)) response.shouldKeepAlive = false;
  response.writeHead(reply.status, reply.headers as string[]);
  response.end(reply.body);
}
