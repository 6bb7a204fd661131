// Which other instances don't answer, or refuse our PEER_SECRET: logged when that lasts for a
// second, once a minute while it does, and when one answers again.

import type { Clock } from '../clock.ts';
import type { Identity } from '../gateways/peer.ts';
import { Condition } from '../log/condition.ts';
import type { Log } from '../log/log.ts';

interface Asked {
  condition: Condition;
  /** It has another PEER_SECRET, and is of no more use than one that is away. */
  refuses: boolean;
  /** When it was first asked without an answer; undefined if it answered when it was asked last. */
  awaySinceMs: number | undefined;
}

/** One question may get lost on a busy machine. */
const AWAY_MS = 1_000;

export class AwayPeers {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #asked = new Map<number, Asked>();

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Each other instance that was asked, and whether it answered when it was asked last. */
  get answers(): readonly (readonly [peer: number, answers: boolean])[] {
    return [...this.#asked].map(([peer, asked]) => [peer, asked.awaySinceMs === undefined]);
  }

  get isAnyAway(): boolean {
    return this.answers.some(([, answers]) => !answers);
  }

  /** Takes what the instance `peer` answered; undefined if it didn't. */
  asked(peer: number, answer: Identity | 'refused' | undefined): void {
    const nowMs = this.#clock.elapsed();
    const asked = this.#asked.get(peer) ?? {
      condition: new Condition(),
      refuses: false,
      awaySinceMs: undefined,
    };
    this.#asked.set(peer, asked);
    const answers = answer !== undefined && answer !== 'refused';
    const refuses = answer === 'refused';
    // Another reason is news.
    if (!answers && asked.refuses !== refuses) asked.condition = new Condition();
    asked.refuses = refuses;
    asked.awaySinceMs = answers ? undefined : (asked.awaySinceMs ?? nowMs);
    const awayForMs = nowMs - (asked.awaySinceMs ?? nowMs);
    const due = asked.condition.update(awayForMs >= AWAY_MS, nowMs);
    if (due === undefined) return;
    const forMs = Math.round(awayForMs);
    if (answers) this.#log.info('instance answers again', { peer, afterMs: due.forMs });
    else if (refuses) this.#log.error('instance refuses PEER_SECRET', { peer, forMs });
    else this.#log.warn('instance does not answer', { peer, forMs });
  }
}
