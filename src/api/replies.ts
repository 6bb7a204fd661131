// Every answer that the API gives: status, headers and JSON body, made once where they never change.

import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface Reply {
  readonly status: number;
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

/** Seconds after which a 503 may be tried again. */
const RETRY_AFTER = ['Retry-After', '1'];

export const ACCEPTED: Reply = { status: 202, headers: ['Content-Length', '0'], body: '' };
export const PURGED = json(200, { message: 'purged' });
export const STILL = json(200, { message: 'still' });
export const NOT_FOUND = json(404, { error: 'not found' });
/** An error that ends the connection, since what is left of the request isn't read. */
const last = (status: number, error: string, more: Readonly<Record<string, string>>): Reply =>
  json(status, { error, ...more }, 'Connection', 'close');

export const TOO_LARGE = last(413, 'body too large', { reason: 'must have at most 4096 bytes' });
// The same as nginx's own, in nginx.conf.template.
export const NOT_HTTP = last(400, 'bad request', {
  field: 'request',
  reason: 'is not a valid HTTP/1.0 or HTTP/1.1 request for a path',
});
export const HEAD_TOO_LARGE = last(431, 'head too large', {
  reason: 'must have at most 16 kB, and 8 kB in a line',
});
export const METHOD_UNKNOWN = last(501, 'not implemented', { reason: 'the method is unknown' });
export const EXTENSIONS_TOO_LARGE = last(413, 'body too large', {
  reason: 'must have at most 16 kB of chunk extensions',
});
export const TOO_SLOW = last(408, 'too slow', { reason: 'must arrive within 10 s' });
export const CONFLICT = json(409, {
  error: 'conflict',
  field: 'amount',
  reason: 'this correlationId was accepted with another amount',
});
export const MISDIRECTED = json(421, {
  error: 'misdirected',
  reason: 'another instance owns this id',
});

export const ANOTHER = json(421, {
  error: 'misdirected',
  reason: 'this is another instance than the sender takes it for',
});

export const badField = (field: string, reason: string): Reply =>
  json(400, { error: 'bad request', field, reason });
export const methodNotAllowed = (allow: string): Reply =>
  json(405, { error: 'method not allowed' }, 'Allow', allow);
export const unavailable = (reason: string): Reply =>
  json(503, { error: 'unavailable', reason }, ...RETRY_AFTER);
export const FULL = unavailable('no room for more payments now');
export const BUSY = unavailable('too many summaries at once');
export const PURGING = unavailable('a purge is under way');
export const STOPPING = unavailable('this instance is stopping');
export const DRAINING = unavailable('the number of instances is about to change');
export const NOT_STILL = unavailable('does not hold still for this purge');
export const BROKEN = unavailable('payments can not be held safely now');
export const ok = (text: string): Reply => json(200, text);

/** Connections of a server that is closing. */
const ending = new WeakSet<Socket>();

/** The next answer on this connection is its last: whoever sends on it must not send there again. */
export function endAfterAnswer(connection: Socket): void {
  ending.add(connection);
}

export function send(response: ServerResponse, reply: Reply): void {
  if (ending.has(response.req.socket)) response.shouldKeepAlive = false;
  response.writeHead(reply.status, reply.headers as string[]);
  response.end(reply.body);
}
