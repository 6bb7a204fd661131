// What stands behind the routes of an instance: payments, summaries, purges, and what instances ask
// of each other.

import type { Desk } from './api/routes.ts';
import { instanceNumber, type Config } from './config.ts';
import { FLUSH_ANSWER_MS, FLUSH_MS } from './settings.ts';
import type { Engine } from './engine.ts';
import type { Peer } from './gateways/peer.ts';
import { meant } from './join-membership.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { Log } from './log.ts';
import type { Membership } from './membership.ts';
import type { Purge } from './purge.ts';
import { Summaries } from './summary/totals.ts';

export interface DeskParts {
  readonly config: Config;
  readonly engine: Engine;
  readonly ledger: Ledger;
  /** All instances in order, this one included. */
  readonly peers: readonly Peer[];
  readonly purge: Purge;
  readonly membership: Membership;
  readonly log: Log;
}

export function createDesk(parts: DeskParts): Desk {
  const { config, engine, purge, membership } = parts;
  const us = meant(config, instanceNumber(config));
  const summaries = createSummaries(parts);
  return {
    pay: (id, amountCents, fromPeer) => engine.admit(id, amountCents, fromPeer),
    summary: (query) => summaries.of(query),
    purge: () => leadPurge(parts),
    holdStill: (name) => purge.holdStill(name),
    freeze: (name) => purge.freeze(name),
    forget: (name) => purge.forget(name),
    flush: () => engine.flush(FLUSH_MS),
    status: () => JSON.stringify({ ...engine.status(), membership: membership.state }),
    identity: () => JSON.stringify(membership.identity),
    isMeant: (query) => query === us,
    disagreement: () => membership.disagreement?.reason ?? '',
  };
}

function createSummaries({ config, engine, ledger, peers, membership }: DeskParts): Summaries {
  const own = instanceNumber(config);
  return new Summaries({
    /** Of the first instance that has charged what isn't recorded: the reason. */
    missing: async () => {
      const reasons = await Promise.all(
        peers.map((peer, n) => (n === own ? engine.flush(FLUSH_MS) : peer.flush(FLUSH_ANSWER_MS))),
      );
      const behind = reasons.findIndex((reason) => reason !== undefined);
      return behind < 0 ? undefined : `instance ${behind}: ${reasons[behind]}`;
    },
    totals: async (range) => {
      await membership.maySum();
      return ledger.totals(range);
    },
  });
}

async function leadPurge({ purge, membership, log }: DeskParts): Promise<'purged' | 'busy'> {
  try {
    if (membership.state === 'disagreed') throw new Error('this instance disagrees');
    const told = await purge.lead();
    log.info('purge', { told });
    return told;
  } catch (error) {
    log.warn('purge failed', { message: (error as Error).message });
    throw error;
  }
}
