// The HTTP server on its Unix socket: node:http with the limits on connections, heads and times.
// The routes answer the requests.

import { createServer, ServerResponse, type Server, type ServerOptions } from 'node:http';
import type { Socket } from 'node:net';
import { BodyRequest } from './body.ts';
import { endAfterAnswer } from './replies.ts';
import type { Route } from './routes.ts';
import { listen } from './listen.ts';
import { refuseConnect, refuseUnreadable } from './unreadable.ts';

/** Longer than nginx keeps an idle connection (60 s), so that no POST meets a closing socket. */
const KEEP_ALIVE_MS = 75_000;
/** More than nginx's worker opens; peers and operators connect too. */
const CONNECTIONS_MAX = 5_000;
/** Limit for a request's head, and for the whole request. */
const REQUEST_MS = 10_000;
/** HEAD_TOO_LARGE in replies.ts names this limit. nginx accepts more. */
const HEAD_BYTES_MAX = 16_384;

/** The limits and the parts of a server; `requestMs` is the time for a whole request. */
export function serverOptions(
  requestMs = REQUEST_MS,
): ServerOptions<typeof BodyRequest, typeof DatelessResponse> {
  return {
    IncomingMessage: BodyRequest,
    ServerResponse: DatelessResponse,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: HEAD_BYTES_MAX,
    headersTimeout: requestMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: requestMs / 2,
    // HTTP/1.0 may omit the Host header, nginx passes that on, and no code here reads it.
    requireHostHeader: false,
    noDelay: true,
  };
}

/** What the options don't cover. */
export function limitServer(server: Server, route: Route): void {
  server.maxConnections = CONNECTIONS_MAX;
  // Unknown expectations (Expect: …) are ignored, as nginx does.
  server.on('checkExpectation', route);
  server.on('clientError', refuseUnreadable);
  server.on('connect', refuseConnect);
}

export class ApiServer {
  readonly #server: Server;
  readonly #path: string;
  readonly #connections = new Set<Socket>();
  /** Those without a request yet. */
  readonly #fresh = new Set<Socket>();

  constructor(path: string, route: Route, requestMs = REQUEST_MS) {
    this.#path = path;
    const runUnlessLeft: Route = (request, response) =>
      this.#runUnlessLeft(route, request, response);
    this.#server = createServer(serverOptions(requestMs), runUnlessLeft);
    limitServer(this.#server, runUnlessLeft);
    this.#server.on('connection', (connection: Socket) => {
      this.#connections.add(connection);
      this.#fresh.add(connection);
      connection.once('close', () => {
        this.#connections.delete(connection);
        this.#fresh.delete(connection);
      });
    });
  }

  /**
   * Resolves once the server accepts requests.
   * @throws if another process listens on the path, or the path can't be used
   */
  async listen(): Promise<void> {
    // Who reaches the socket may purge. nginx's workers run as another user, so they must be in the
    // socket's group.
    await listen(this.#server, { path: this.#path }, 'SOCKET_PATH');
  }

  /**
   * Runs the route for a connection's first request one turn later, and not at all if the client
   * has closed the connection: Node reports the request first, and its end in the same turn.
   *
   * A process that stood still finds hundreds of new connections whose requests nginx gave up after
   * a second, and libuv accepts one connection in each turn. If each of these requests were taken,
   * nginx would give up the next ones meanwhile, and on a busy machine that never ended
   * (docs/MEASUREMENTS.md).
   */
  #runUnlessLeft(route: Route, request: BodyRequest, response: ServerResponse): void {
    const { socket } = request;
    if (!this.#fresh.has(socket)) return route(request, response);
    setImmediate(() => {
      // Only now: a request that came together with the first one has to run after it.
      this.#fresh.delete(socket);
      if (!socket.destroyed) route(request, response);
    });
  }

  /**
   * Accepts no new connection and closes the open ones, a busy one after its answer. Resolves once
   * the last one is closed, or with `grace`, which closes the rest at once. A request that arrives
   * on a closed connection makes nginx try another instance; a 503 wouldn't.
   */
  async close(grace: Promise<void>): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const connection of this.#connections) {
      // Node counts a connection without a first request as busy (20.20, closeIdleConnections).
      if (connection.bytesRead === 0) connection.destroy();
      // nginx would send further requests on a connection that stays open while we drain.
      else endAfterAnswer(connection);
    }
    this.#server.closeIdleConnections();
    await Promise.race([closed, grace]);
    this.#server.closeAllConnections();
  }
}

/** Without the Date header: no client reads it, and formatting it costs time. */
class DatelessResponse extends ServerResponse<BodyRequest> {
  override sendDate = false;
}
