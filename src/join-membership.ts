// Joins what has to agree before this instance sends: its journal, the ledger's register, and the
// other instances.

import type { Clock } from './clock.ts';
import { instanceNumber, type Config } from './config.ts';
import type { Engine } from './engine.ts';
import { Peer } from './gateways/peer.ts';
import { explain } from './ledger/explain.ts';
import { Register } from './ledger/register.ts';
import type { Log } from './log.ts';
import { Membership } from './membership.ts';
import { journalText } from './disagreement.ts';
import { TooEarly } from './place-parts.ts';
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
  const journal = journalText(engine.journalHeader.journalId);
  const place = new Place({
    clock,
    instance,
    instances,
    journal: engine,
    register: new Register({ url, timeoutMs, clock, instance, journal }),
    onOlder: (details) => {
      log.error('the journal is an older copy', details);
      // What it holds may have been sent since it was copied.
      engine.doubtHeld();
    },
  });
  const why = (error: unknown): { readonly cause: string } => {
    if (error instanceof TooEarly) return { cause: error.message };
    const { passes: _, ...trouble } = explain(error, url);
    return trouble;
  };
  return new Membership({ clock, log, instance, instances, place, explain: why, engine, peers });
}

/** Which instance we take one for. */
export function meant({ PEER_SOCKET_PATHS }: Config, number: number): string {
  return `instance=${number}&instances=${PEER_SOCKET_PATHS.length}`;
}

/** All instances in order, this one included. */
export function peersOf(config: Config, clock: Clock): readonly Peer[] {
  return config.PEER_SOCKET_PATHS.map(
    (path, number) => new Peer(path, clock, `?${meant(config, number)}`),
  );
}
