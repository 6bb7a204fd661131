// The answers to bytes that node:http cannot read as a request: no HTTP, a head or chunk extensions
// beyond its limits, a request that arrives too slowly, CONNECT. Each answer is the JSON error that
// is true. It leaves after the answers to all requests before it, and the connection ends.

import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import * as replies from './replies.ts';

/** Where node:http 20.20 keeps the next response of a connection; its types don't name it. */
const NEXT_RESPONSE = '_httpMessage';

interface HttpSocket extends Socket {
  readonly [NEXT_RESPONSE]?: ServerResponse | null;
}

interface ReadError extends Error {
  readonly code?: string;
  /** What was being read, and how far that went. */
  readonly rawPacket?: Buffer;
  readonly bytesParsed?: number;
}

const refused = new WeakSet<Socket>();

/** A server's 'clientError'. It comes again when the connection brings more bytes. */
export function refuseUnreadable(error: ReadError, socket: Socket): void {
  refuse(socket, replyTo(error));
}

/** A server's 'connect'. */
export function refuseConnect(_: unknown, socket: Socket): void {
  // node:http has taken its own listener away.
  socket.on('error', () => socket.destroy());
  refuse(socket, replies.NOT_HTTP);
}

const REPLIES: ReadonlyMap<string | undefined, replies.Reply> = new Map([
  ['HPE_HEADER_OVERFLOW', replies.HEAD_TOO_LARGE],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', replies.EXTENSIONS_TOO_LARGE],
  ['ERR_HTTP_REQUEST_TIMEOUT', replies.TOO_SLOW],
]);

function replyTo(error: ReadError): replies.Reply {
  if (error.code === 'HPE_INVALID_METHOD' && isRequestLine(error)) return replies.METHOD_UNKNOWN;
  return REPLIES.get(error.code) ?? replies.NOT_HTTP;
}

/** Whether it is a request line whose method is unknown. Other requests may precede it. */
function isRequestLine({ rawPacket, bytesParsed = 0 }: ReadError): boolean {
  const text = String(rawPacket?.toString('latin1'));
  const read = /[A-Z_-]*$/.exec(text.slice(0, bytesParsed))?.[0] ?? '';
  return /^[A-Z_-]+ \S+ HTTP\/1\.[01]\r?\n/.test(read + text.slice(bytesParsed));
}

function refuse(socket: Socket, reply: replies.Reply): void {
  if (refused.has(socket)) return;
  refused.add(socket);
  answerInTurn(socket, reply);
}

/** Earlier requests get their own answers first: one of them may be an accepted payment. */
function answerInTurn(socket: HttpSocket, reply: replies.Reply): void {
  const next = socket[NEXT_RESPONSE];
  if (next?.req.complete) {
    next.once('close', () => answerInTurn(socket, reply));
  } else if (socket.writable && !next?.headersSent) {
    socket.write(textOf(reply));
    socket.destroySoon();
  } else if (!socket.writableEnded) {
    socket.destroy();
  }
}

function textOf({ status, headers, body }: replies.Reply): string {
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`;
  for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return `${head}\r\n${body}`;
}
