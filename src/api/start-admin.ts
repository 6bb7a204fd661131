// Starts the admin servers, one per address, if there are to be any.

import type { Clock } from '../clock.ts';
import { readAdminAddresses } from '../config/admin-address.ts';
import { ConfigError, instanceNumber, type Config } from '../config/config.ts';
import type { Engine } from '../engine.ts';
import type { Peer } from '../gateways/peer.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { VERSION, type Log } from '../log/log.ts';
import type { Membership } from '../membership/membership.ts';
import { LoopDelay } from '../metrics/loop-delay.ts';
import { Metrics } from '../metrics/metrics.ts';
import { Books } from '../snapshot/books.ts';
import { History } from '../snapshot/history.ts';
import type { OwnSnapshot } from '../snapshot/own-snapshot.ts';
import { SystemSnapshot } from '../snapshot/system-snapshot.ts';
import { AdminEvents } from './admin-events.ts';
import { AdminServer } from './admin-server.ts';
import type { Handlers } from './handlers.ts';
import type { Operations } from './operations.ts';
import { readPageFiles } from './page-files.ts';

export interface StartAdminParts {
  readonly config: Config;
  readonly engine: Engine;
  readonly membership: Membership;
  readonly ledger: Ledger;
  /** All instances in order, this one included. */
  readonly peers: readonly Peer[];
  readonly handlers: Handlers;
  readonly operations: Operations;
  readonly own: OwnSnapshot;
  readonly clock: Clock;
  readonly log: Log;
}

/** An address that can't be used now is an error in the log: payments are taken all the same. */
export async function startAdmin(parts: StartAdminParts): Promise<readonly AdminServer[]> {
  const { config, engine, own, clock, log } = parts;
  if (config.ADMIN_LISTEN === '') return [];
  const addresses = readAdminAddresses(config.ADMIN_LISTEN);
  if (typeof addresses === 'string') throw new ConfigError(`ADMIN_LISTEN ${addresses}`);
  const loop = new LoopDelay(() => clock.elapsed());
  const history = new History(engine, clock);
  history.start();
  own.measured = { history, loop };
  const feesBps = [config.FEE_DEFAULT_BPS, config.FEE_FALLBACK_BPS] as const;
  const books = new Books({ ...parts, feesBps });
  const instance = instanceNumber(config);
  const system = new SystemSnapshot({ ...parts, instance, books, version: VERSION });
  const shared = {
    ...parts,
    token: config.ADMIN_TOKEN,
    metrics: new Metrics({ ...parts, loop }),
    system,
    events: new AdminEvents(system, clock),
    pageFiles: readPageFiles(),
  };
  const servers = addresses.map((address) => ({
    address,
    server: new AdminServer({ ...shared, address }),
  }));
  for (const { address, server } of servers) {
    try {
      await server.listen();
      log.info('admin listening', { ...address });
    } catch (error) {
      const { message } = error as Error;
      log.error('admin can not listen', { setting: 'ADMIN_LISTEN', ...address, message });
    }
  }
  return servers.map(({ server }) => server);
}
