// What answers the requests of clients, peers and operators, joined with the engine.

import type { Clock } from '../clock.ts';
import { instanceNumber, type Config } from '../config/config.ts';
import type { Engine } from '../engine.ts';
import type { Peer } from '../gateways/peer.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Log } from '../log/log.ts';
import { queryOfInstance } from '../membership/join-membership.ts';
import type { Membership } from '../membership/membership.ts';
import { Levers } from '../operator/levers.ts';
import type { LedgerPort } from '../ports.ts';
import type { Purge } from '../purge.ts';
import type { OwnSnapshot } from '../snapshot/own-snapshot.ts';
import { Summaries } from '../summary/totals.ts';
import { Handlers } from './handlers.ts';
import { HeldLists } from './held-list.ts';
import { Operations } from './operations.ts';
import { PaymentActions } from './payment-actions.ts';
import { PaymentStatuses } from './payment-status.ts';
import { createRouter, type Route } from './routes.ts';
import { ApiServer } from './server.ts';

interface ApiParts {
  readonly config: Config;
  readonly engine: Engine;
  readonly ledger: Ledger;
  readonly peers: readonly Peer[];
  readonly purge: Purge;
  readonly membership: Membership;
  readonly own: OwnSnapshot;
  /** For what operators do. */
  readonly ledgerPort: LedgerPort;
  readonly clock: Clock;
  readonly log: Log;
}

interface Api {
  readonly handlers: Handlers;
  readonly operations: Operations;
  readonly server: ApiServer;
  /** What the server answers with. */
  readonly router: Route;
}

export function createApi(parts: ApiParts): Api {
  const { config, engine, ledger } = parts;
  const instance = instanceNumber(config);
  const summaries = new Summaries({ ...parts, instance });
  const payments = new PaymentStatuses({ ...parts, instance });
  const handlers = new Handlers({ ...parts, summaries, payments });
  const levers = new Levers({ ...parts, ledger: parts.ledgerPort });
  const paymentActions = new PaymentActions({ ...parts, instance, payments, levers });
  const lists = new HeldLists({ ...parts, instance, payments });
  const operations = new Operations({ lists, paymentActions, ledger });
  const router = createRouter({
    admission: engine.admission,
    amountMaxCents: config.AMOUNT_MAX_CENTS,
    ownQuery: queryOfInstance(config, instance),
    handlers,
    operations,
    allowPurge: config.ALLOW_PURGE === '1',
  });
  return { handlers, operations, router, server: new ApiServer(config.SOCKET_PATH, router) };
}
