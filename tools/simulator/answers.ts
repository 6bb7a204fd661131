// Sends an answer, intact or spoiled by a fault. Like Kestrel's, an intact answer has neither
// "Connection" nor "Keep-Alive": a client does not know when the connection will be closed.

import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Fault, FaultKind } from './faults.ts';
import type { Timers } from './timers.ts';

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** In this time the client reads the first half: it sees a cut answer, not only a reset. */
const CUT_PAUSE_MS = 20;

export function reply(response: ServerResponse, status: number, text: string): void {
  const type = text.startsWith('{') || text.startsWith('[') ? 'application/json' : 'text/plain';
  response.removeHeader('connection');
  if (text === '') {
    response.writeHead(status, status === 204 ? [] : ['content-length', '0']);
    response.end();
    return;
  }
  const length = Buffer.byteLength(text);
  response.writeHead(status, [
    'content-type',
    `${type}; charset=utf-8`,
    'content-length',
    `${length}`,
  ]);
  response.end(text);
}

export function replyLimited(response: ServerResponse, retryAfterS: number): void {
  response.setHeader('retry-after', String(retryAfterS));
  reply(response, 429, 'Too many requests.');
}

/** Runs `callback` when the client has gone, at once if it has already. */
export function whenGone(response: ServerResponse, callback: () => void): void {
  if (response.destroyed || response.socket === null) callback();
  else response.once('close', callback);
}

export class Answers {
  readonly #timers: Timers;
  readonly #doomed = new WeakSet<Socket>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** True for the request that close-on-reuse was waiting for; its connection is then reset. */
  resetsOnReuse(socket: Socket): boolean {
    const doomed = this.#doomed.has(socket);
    if (doomed) socket.resetAndDestroy();
    return doomed;
  }

  /** Answers as `kind` says. `over` is called once, when the call no longer counts as under way. */
  deliver(response: ServerResponse, answer: Answer, fault: Fault, over: () => void): void {
    const { socket } = response;
    if (fault.kind === 'hang' || fault.kind === 'hang-after-insert') {
      whenGone(response, over);
      return;
    }
    // The client is gone.
    if (socket !== null && !response.destroyed) {
      const { kind, status } = fault;
      if (kind === 'status' || kind === 'status-after-insert') {
        reply(response, status, statusBody(status));
      } else this.#spoil(response, socket, answer, kind);
    }
    over();
  }

  #spoil(
    response: ServerResponse,
    socket: Socket,
    answer: Answer,
    kind: Exclude<FaultKind, 'hang' | 'hang-after-insert' | 'status' | 'status-after-insert'>,
  ): void {
    switch (kind) {
      case 'none':
        reply(response, answer.status, answer.text);
        return;
      case 'refuse-after-read':
      case 'drop-before-insert':
      case 'drop-after-insert':
        socket.resetAndDestroy();
        return;
      case 'cut-answer':
        socket.write(
          `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}\r\n` +
            'content-type: application/json\r\n' +
            `content-length: ${answer.text.length + 1}\r\n\r\n` +
            answer.text.slice(0, answer.text.length / 2),
        );
        this.#timers.after(CUT_PAUSE_MS, () => socket.resetAndDestroy());
        return;
      case 'nonsense':
        socket.write('\u0016\u0003\u0001 this is not HTTP\r\n\r\n', 'latin1');
        socket.destroySoon();
        return;
      case 'redirect':
        // A client that follows gets a 200 there, and nothing was charged.
        response.setHeader('location', '/elsewhere');
        reply(response, 302, '');
        return;
      case 'close-idle':
        // Not half-closed: nobody must read what still comes.
        response.once('finish', () => socket.destroySoon());
        reply(response, answer.status, answer.text);
        return;
      case 'close-on-reuse':
        this.#doomed.add(socket);
        reply(response, answer.status, answer.text);
        return;
    }
  }
}

const statusBody = (status: number): string =>
  status === 204 || status === 205 || status === 304
    ? ''
    : '{"message":"a fault made this answer"}';
