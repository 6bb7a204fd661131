// Builds the membership of this instance from its journal, the ledger's register and the other
// instances.

import type { Clock } from '../clock.ts';
import { instanceCount, instanceNumber, type Config } from '../config/config.ts';
import type { Engine } from '../engine.ts';
import { Peer } from '../gateways/peer.ts';
import { explain, type LedgerProblem } from '../ledger/explain.ts';
import { Register } from '../ledger/register.ts';
import type { Log } from '../log/log.ts';
import { Membership } from './membership.ts';
import { journalText } from './disagreement.ts';
import { PlaceUndecided } from './place-lock.ts';
import { Place } from './place.ts';

export interface MemberParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly engine: Engine;
  readonly peers: readonly Peer[];
}

export function joinMembership({ config, clock, log, engine, peers }: MemberParts): Membership {
  const { DATABASE_URL: url, LEDGER_TIMEOUT_MS: timeoutMs } = config;
  const instance = instanceNumber(config);
  const instances = peers.length;
  const journal = journalText(engine.journal.header.journalId);
  const place = new Place({
    clock,
    instance,
    instances,
    journal: engine.journal,
    ring: engine.ring,
    register: new Register({ url, timeoutMs, clock, instance, journal }),
    onOlderCopy: (details) => {
      log.error('the journal is an older copy', details);
      // Its payments may have been sent after it was copied.
      engine.inDoubt.doubtAll();
    },
    onGap: () => engine.settledIds.missedSome(),
  });
  const detailsOf = (error: unknown): Pick<LedgerProblem, 'cause' | 'isTemporary'> => {
    if (!(error instanceof PlaceUndecided)) return explain(error, url);
    return { cause: error.message, isTemporary: false };
  };
  return new Membership({ clock, log, instance, instances, place, detailsOf, engine, peers });
}

/**
 * The query with which another instance says which instance it takes this one for. A request with
 * another query comes from an instance with other settings.
 */
export function queryOfInstance(config: Config, number: number): string {
  return `instance=${number}&instances=${instanceCount(config)}`;
}

/** All instances in order, this one included. */
export function peersOf(config: Config, clock: Clock): readonly Peer[] {
  return config.PEER_SOCKET_PATHS.map(
    (socketPath, number) => new Peer({ socketPath }, clock, `?${queryOfInstance(config, number)}`),
  );
}
