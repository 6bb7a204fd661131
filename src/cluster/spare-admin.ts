// The admin server of a spare, a process that waits for a shard and takes no payments. Its metrics
// say which version runs with which settings, so a monitoring system sees that it is up.

import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { AdminAccess } from '../api/admin-access.ts';
import {
  AdminConnections,
  REQUEST_TIMES,
  type AdminConnectionsParts,
} from '../api/admin-connections.ts';
import { listen } from '../api/listen.ts';
import * as replies from '../api/replies.ts';
import { send } from '../api/replies.ts';
import { readAdminAddresses, type AdminAddress } from '../config/admin-address.ts';
import type { Config } from '../config/config.ts';
import { buildInfo } from '../metrics/build-info.ts';
import { CONTENT_TYPE, exposition } from '../metrics/exposition.ts';

export interface SpareAdminParts extends Omit<AdminConnectionsParts, 'address'> {
  /** ADMIN_LISTEN is checked. */
  readonly config: Config;
}

export class SpareAdmin {
  readonly #addresses: readonly AdminAddress[];
  readonly #parts: SpareAdminParts;
  readonly #metrics: replies.Reply;
  #servers: readonly Server[] = [];

  constructor(parts: SpareAdminParts) {
    this.#parts = parts;
    const { config } = parts;
    const addresses = config.ADMIN_LISTEN === '' ? [] : readAdminAddresses(config.ADMIN_LISTEN);
    this.#addresses = typeof addresses === 'string' ? [] : addresses;
    this.#metrics = replies.text(exposition([buildInfo(config)]), CONTENT_TYPE);
  }

  /** An address that can't be used now is left out: the admin server will report it. */
  async listen(): Promise<void> {
    this.#servers = await Promise.all(
      this.#addresses.map(async (address) => {
        const connections = new AdminConnections({ ...this.#parts, address });
        const access = new AdminAccess(address, this.#parts.config.ADMIN_TOKEN, () => false);
        const server = createServer(REQUEST_TIMES, (request, response) => {
          if (connections.asked(response)) send(response, this.#answer(request, access));
        });
        server.on('connection', (socket: Socket) => connections.opened(socket));
        await listen(server, address, 'ADMIN_LISTEN').catch(nothing);
        return server;
      }),
    );
  }

  #answer(request: IncomingMessage, access: AdminAccess): replies.Reply {
    const [path = ''] = (request.url ?? '').split('?');
    if (path === '/live') return replies.LIVE;
    if (path === '/metrics') return access.refusal(request, path) ?? this.#metrics;
    return replies.SPARE;
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
