// Answers bytes that node:http can't read as a request: no HTTP, a head or chunk extensions beyond
// their limits, a request that arrives too slowly, CONNECT. The answer is a JSON error that names
// the cause. It follows the answers to all earlier requests of the connection, which then closes.

import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import * as replies from './replies.ts';

/** The property in which node:http 20.20 keeps a connection's next response; its types omit it. */
const NEXT_RESPONSE = '_httpMessage';

interface HttpSocket extends Socket {
  readonly [NEXT_RESPONSE]?: ServerResponse | null;
}

interface ReadError extends Error {
  readonly code?: string;
  /** The bytes under parsing, and how many of them were parsed. */
  readonly rawPacket?: Buffer;
  readonly bytesParsed?: number;
}

const refused = new WeakSet<Socket>();

/** Listener for a server's 'clientError', which repeats when the connection brings more bytes. */
export function refuseUnreadable(error: ReadError, socket: Socket): void {
  refuse(socket, replyTo(error));
}

/** Listener for a server's 'connect'. */
export function refuseConnect(_: unknown, socket: Socket): void {
  // node:http has removed its own listener.
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

/** Whether the bytes are a request line whose method is unknown. Other requests may precede it. */
function isRequestLine({ rawPacket, bytesParsed = 0 }: ReadError): boolean {
  const text = String(rawPacket?.toString('latin1'));
  const read = /[A-Z_-]*$/.exec(text.slice(0, bytesParsed))?.[0] ?? '';
  return /^[A-Z_-]+ \S+ HTTP\/1\.[01]\r?\n/.test(read + text.slice(bytesParsed));
}

const UPGRADE = 'upgrade';

/**
 * Makes the answer to a request that asks for another protocol its connection's last: node:http
 * 20.20 drops what arrived behind such a request, and would leave its sender waiting.
 */
export function endAfterUpgrade(request: IncomingMessage, response: ServerResponse): void {
  if (!hasUpgrade(request.rawHeaders)) return;
  if (/upgrade/i.test(request.headers.connection ?? '')) response.shouldKeepAlive = false;
}

/** `headers` would be made for it, and no payment needs it otherwise. */
function hasUpgrade(rawHeaders: readonly string[]): boolean {
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    if (name.length === UPGRADE.length && name.toLowerCase() === UPGRADE) return true;
  }
  return false;
}

function refuse(socket: Socket, reply: replies.Reply): void {
  if (refused.has(socket)) return;
  refused.add(socket);
  answerInTurn(socket, reply);
}

/** Earlier requests get their own answers first, since one of them may be an accepted payment. */
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
