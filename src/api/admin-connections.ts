// The connections of one admin server, or of one for peers: a bounded number, and always room for
// one more. Nobody may keep the server from answering a monitoring system or a peer, not even with
// as many connections as it can open. So a new connection is never refused: the one that has been
// silent the longest is ended.

import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../clock.ts';
import type { AdminAddress } from '../config/admin-address.ts';
import { Condition } from '../log/condition.ts';
import type { Log } from '../log/log.ts';

/**
 * Twice what the kernel hands over in one turn (a backlog of 511): a new connection is not ended
 * before its request can be read. A silent one takes about 10 kB, one with half a head 26 kB.
 */
const CONNECTIONS_MAX = 1_000;
/** A client that sends no whole request in this time is cut off (TOO_SLOW in replies.ts). */
const REQUEST_MS = 10_000;
/** Options of a server with these connections. */
export const REQUEST_TIMES = {
  requestTimeout: REQUEST_MS,
  headersTimeout: REQUEST_MS,
  connectionsCheckingInterval: REQUEST_MS / 2,
};
/** Requests of one connection at once; node:http would take all that came in 64 kB. */
const REQUESTS_MAX = 16;

/** With the parser of node:http 20.20, which its types omit. */
interface HttpSocket extends Socket {
  readonly parser?: { onIncoming: () => number } | null;
}

/** The answer of its callback for a request that makes it stop. */
const STOP = 2;

export interface AdminConnectionsParts {
  readonly address: AdminAddress;
  /** Whether they are those of peers. */
  readonly isForPeers?: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

export class AdminConnections {
  readonly #parts: AdminConnectionsParts;
  /** With the requests that are being answered. Those that were answered last are at the end. */
  readonly #open = new Map<Socket, Set<ServerResponse>>();
  readonly #full = new Condition();

  constructor(parts: AdminConnectionsParts) {
    this.#parts = parts;
  }

  /** Listener for a server's 'connection'. */
  opened(socket: Socket): void {
    if (this.#open.size >= CONNECTIONS_MAX) {
      this.#sayFull(true);
      this.#end(this.#longestSilent());
    }
    this.#open.set(socket, new Set());
    socket.once('close', () => {
      this.#open.delete(socket);
      if (this.#open.size < CONNECTIONS_MAX / 2) this.#sayFull(false);
    });
  }

  /**
   * Whether the request may be answered. Otherwise its connection is ended. `socket` is the one
   * that was opened; with TLS the request has another one.
   */
  asked(response: ServerResponse, socket: Socket = response.req.socket): boolean {
    const requests = this.#open.get(socket);
    if (requests === undefined) return false;
    if (requests.size >= REQUESTS_MAX) {
      this.#end(socket);
      return false;
    }
    requests.add(response);
    response.once('close', () => {
      requests.delete(response);
      if (this.#open.delete(socket)) this.#open.set(socket, requests);
    });
    return true;
  }

  /** The oldest one without a whole request; if each has one, the oldest of all. */
  #longestSilent(): Socket {
    for (const [socket, requests] of this.#open) {
      if (!hasWholeRequest(requests)) return socket;
    }
    return this.#open.keys().next().value as Socket;
  }

  #end(socket: HttpSocket): void {
    this.#open.delete(socket);
    socket.destroy();
    // Otherwise it goes on with the bytes that it has: 1,300 requests take 30 ms.
    if (socket.parser) socket.parser.onIncoming = () => STOP;
  }

  #sayFull(isFull: boolean): void {
    const { address, isForPeers, clock, log } = this.#parts;
    const change = this.#full.update(isFull, clock.elapsed());
    if (change === undefined) return;
    const details = { ...address, ...change };
    if (isForPeers === true) {
      if (isFull) log.warn('peer connections are full', details);
      else log.info('peer connections have room again', details);
    } else if (isFull) log.warn('admin connections are full', details);
    else log.info('admin connections have room again', details);
  }
}

function hasWholeRequest(requests: ReadonlySet<ServerResponse>): boolean {
  for (const { req } of requests) if (req.complete) return true;
  return false;
}
