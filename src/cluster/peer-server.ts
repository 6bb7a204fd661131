// The server for the processes of other hosts, on PEER_LISTEN: the internal routes, for whoever
// brings PEER_SECRET. Whoever reaches the port can open connections, and can't keep others out.

import { createServer as createPlain, type Server } from 'node:http';
import { createServer as createTls } from 'node:https';
import type { Socket } from 'node:net';
import { AdminConnections } from '../api/admin-connections.ts';
import * as replies from '../api/replies.ts';
import { send } from '../api/replies.ts';
import type { Route } from '../api/routes.ts';
import { secretCheck } from '../api/secret.ts';
import { limitServer, serverOptions } from '../api/server.ts';
import type { Clock } from '../clock.ts';
import type { PeerTls } from '../gateways/peer-address.ts';
import type { Log } from '../log/log.ts';

export interface PeerServerParts {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  /** undefined for plain HTTP. */
  readonly tls: PeerTls | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

const NO_SECRET = replies.unauthorized('needs "Authorization: Bearer" and the secret PEER_SECRET');

/** A client that doesn't finish the handshake is cut off. */
const HANDSHAKE = { requestCert: true, handshakeTimeout: 10_000 };

/** Until it serves, it is a spare's, which keeps the port and takes nothing. */
export class PeerServer {
  readonly #parts: PeerServerParts;
  readonly #server: Server;
  readonly #connections: AdminConnections;
  /** Of TLS: the connections as they were opened, by the client's address. */
  readonly #opened = new Map<string, Socket>();
  #route: Route = (_, response) => send(response, replies.SPARE);

  constructor(parts: PeerServerParts) {
    this.#parts = parts;
    const { host, port, tls, secret, clock, log } = parts;
    const address = { host, port };
    this.#connections = new AdminConnections({ address, isForPeers: true, clock, log });
    const isAuthorized = secretCheck(`Bearer ${secret}`);
    const guarded: Route = (request, response) => {
      const { socket } = request;
      const opened = tls === undefined ? socket : this.#opened.get(clientOf(socket));
      if (!this.#connections.asked(response, opened)) return;
      if (!isAuthorized(request.headers.authorization ?? '')) send(response, NO_SECRET);
      else if (!request.url?.startsWith('/internal/')) send(response, replies.NOT_FOUND);
      else this.#route(request, response);
    };
    this.#server =
      tls === undefined
        ? createPlain(serverOptions(), guarded)
        : createTls({ ...serverOptions(), ...HANDSHAKE, ...tls }, guarded);
    limitServer(this.#server, guarded);
    this.#server.on('connection', (socket: Socket) => {
      this.#connections.opened(socket);
      if (tls === undefined) return;
      const client = clientOf(socket);
      this.#opened.set(client, socket);
      socket.once('close', () => {
        if (this.#opened.get(client) === socket) this.#opened.delete(client);
      });
    });
  }

  /** Resolves once it accepts requests. @throws if the address can't be used */
  async listen(): Promise<void> {
    const { host, port } = this.#parts;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', ({ message }) => reject(new Error(`PEER_LISTEN: ${message}`)));
      this.#server.listen({ host, port }, resolve);
    });
  }

  serve(route: Route): void {
    this.#route = route;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** Of a connection, or of the TLS on it. */
function clientOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
