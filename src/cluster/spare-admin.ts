// The admin server of a spare: it lives, and takes no payments.

import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import {
  AdminConnections,
  REQUEST_TIMES,
  type AdminConnectionsParts,
} from '../api/admin-connections.ts';
import * as replies from '../api/replies.ts';
import { send } from '../api/replies.ts';
import { freeSocketPath } from '../api/socket-path.ts';
import { readAdminAddresses, type AdminAddress } from '../config/admin-address.ts';

export type SpareAdminParts = Omit<AdminConnectionsParts, 'address'>;

export class SpareAdmin {
  readonly #addresses: readonly AdminAddress[];
  readonly #parts: SpareAdminParts;
  #servers: readonly Server[] = [];

  /** `listen` is ADMIN_LISTEN, checked; '' for no server. */
  constructor(listen: string, parts: SpareAdminParts) {
    this.#parts = parts;
    const addresses = listen === '' ? [] : readAdminAddresses(listen);
    this.#addresses = typeof addresses === 'string' ? [] : addresses;
  }

  /** An address that can't be used now is left out: the admin server will report it. */
  async listen(): Promise<void> {
    this.#servers = await Promise.all(
      this.#addresses.map(async (address) => {
        const connections = new AdminConnections({ ...this.#parts, address });
        const server = createServer(REQUEST_TIMES, (request, response) => {
          if (!connections.asked(response)) return;
          send(response, request.url === '/live' ? replies.LIVE : replies.SPARE);
        });
        server.on('connection', (socket: Socket) => connections.opened(socket));
        if ('path' in address) await freeSocketPath(address.path, 'ADMIN_LISTEN').catch(nothing);
        await new Promise<void>((resolve) => {
          server.once('error', () => resolve());
          server.listen(address, resolve);
        });
        return server;
      }),
    );
  }

  /** Resolves once its addresses are free. */
  async close(): Promise<void> {
    await Promise.all(
      this.#servers.map((server) => {
        const closed = new Promise<void>((resolve) => {
          server.close(() => resolve());
        });
        server.closeAllConnections();
        return closed;
      }),
    );
  }
}

function nothing(): void {}
