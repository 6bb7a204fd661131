// The HTTP server on its Unix socket: node:http, and nothing between it and the routes.

import { chmodSync, rmSync } from 'node:fs';
import { createServer, ServerResponse, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { BodyRequest } from './body.ts';
import { endAfterAnswer } from './replies.ts';
import type { Route } from './routes.ts';
import { refuseConnect, refuseUnreadable } from './unreadable.ts';

/** Longer than nginx keeps an idle connection (60 s): a POST must never meet a socket that is just being closed. */
const KEEP_ALIVE_MS = 75_000;
/** More than nginx's worker has; others come from peers and operators. */
const CONNECTIONS_MAX = 5_000;
/** For a request's headers, and for the whole of it. */
const REQUEST_MS = 10_000;
/** What `replies` says of it. nginx takes more. */
const HEAD_BYTES_MAX = 16_384;

export class ApiServer {
  readonly #server: Server;
  readonly #path: string;
  readonly #connections = new Set<Socket>();

  constructor(path: string, route: Route, requestMs = REQUEST_MS) {
    this.#path = path;
    this.#server = createServer(
      {
        IncomingMessage: BodyRequest,
        ServerResponse: DatelessResponse,
        keepAliveTimeout: KEEP_ALIVE_MS,
        maxHeaderSize: HEAD_BYTES_MAX,
        headersTimeout: requestMs,
        requestTimeout: requestMs,
        connectionsCheckingInterval: requestMs / 2,
        // nginx passes on what HTTP/1.0 may leave out, and nobody here reads it.
        requireHostHeader: false,
        noDelay: true,
      },
      route,
    );
    this.#server.maxConnections = CONNECTIONS_MAX;
    // Expectations that nobody has heard of are passed over, as nginx does.
    this.#server.on('checkExpectation', route);
    this.#server.on('clientError', refuseUnreadable);
    this.#server.on('connect', refuseConnect);
    this.#server.on('connection', (connection: Socket) => {
      this.#connections.add(connection);
      connection.once('close', () => this.#connections.delete(connection));
    });
  }

  /** Resolves when it takes requests. @throws when another process listens there, or the path can't be used. */
  async listen(): Promise<void> {
    if (await isListening(this.#path)) {
      throw new Error(`SOCKET_PATH ${this.#path} is in use by another process`);
    }
    rmSync(this.#path, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#path, resolve);
    });
    // nginx's workers run as another user.
    chmodSync(this.#path, 0o666);
  }

  /**
   * Takes no new connections and ends those that there are, a busy one with its answer; resolves when the last one has ended, or with
   * `grace`. A request that was on its way to a connection meets its end, which sends nginx to another instance; a 503 wouldn't.
   */
  async close(grace: Promise<void>): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const connection of this.#connections) {
      // Node waits for the first request of a silent one as for an answer (20.20, closeIdleConnections).
      if (connection.bytesRead === 0) connection.destroy();
      // A busy one that stayed open would bring the next request here, to be refused, for as long as we drain.
      else endAfterAnswer(connection);
    }
    this.#server.closeIdleConnections();
    await Promise.race([closed, grace]);
    this.#server.closeAllConnections();
  }
}

/** Nobody reads the date, and formatting it isn't free. */
class DatelessResponse extends ServerResponse<BodyRequest> {
  override sendDate = false;
}

/** A socket file that nobody listens on is what a crash leaves. */
function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
