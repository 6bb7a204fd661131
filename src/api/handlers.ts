// The handlers of all routes but the payments': summaries, purges, status, and the requests that
// instances send to each other. Each returns the reply; routes.ts sends it.

import type { Clock } from '../clock.ts';
import type { Engine } from '../engine.ts';
import type { Log } from '../log/log.ts';
import type { Membership } from '../membership/membership.ts';
import { isId } from '../payment.ts';
import type { Purge } from '../purge.ts';
import type { Summaries } from '../summary/totals.ts';
import type { OwnSnapshot } from '../snapshot/own-snapshot.ts';
import { readiness } from '../snapshot/readiness.ts';
import { HISTORY_S } from '../snapshot/history.ts';
import { statusOf } from './status.ts';
import { FLUSH_MS } from '../config/bounds.ts';
import type { PaymentStatuses } from './payment-status.ts';
import * as replies from './replies.ts';
import type { Reply } from './replies.ts';

export interface HandlersParts {
  readonly engine: Engine;
  readonly summaries: Summaries;
  readonly purge: Purge;
  readonly membership: Membership;
  readonly log: Log;
  readonly clock: Clock;
  readonly payments: PaymentStatuses;
  readonly own: OwnSnapshot;
}

/** A method that rejects becomes a 503 (routes.ts). */
export class Handlers {
  readonly #parts: HandlersParts;

  constructor(parts: HandlersParts) {
    this.#parts = parts;
  }

  async summary(query: string): Promise<Reply> {
    const answer = await this.#parts.summaries.forQuery(query);
    if (answer === 'busy') return replies.BUSY;
    if ('missing' in answer) return replies.unavailable(answer.missing);
    if ('json' in answer) return replies.ok(answer.json);
    return replies.badField(answer.field, answer.reason);
  }

  /** Forgets every payment on all instances. @throws if that fails on one of them */
  async purge(): Promise<Reply> {
    const { purge, membership, log } = this.#parts;
    try {
      if (membership.state === 'disagreed') throw new Error('this instance disagrees');
      const result = await purge.lead();
      log.info('purge', { told: result });
      return result === 'busy' ? replies.PURGING : replies.PURGED;
    } catch (error) {
      log.warn('purge failed', { message: (error as Error).message });
      throw error;
    }
  }

  /** For the leader of `purge`: 200 once no attempt is under way here, else 503. */
  async holdStill(purge: string): Promise<Reply> {
    return replies.purgeStep(await this.#parts.purge.holdStill(purge));
  }

  /** For the leader of `purge`: 200 if nothing is accepted here until the purge ends, else 503. */
  async freeze(purge: string): Promise<Reply> {
    return replies.purgeStep(this.#parts.purge.freeze(purge));
  }

  /** For the leader of `purge`: 200 if every payment here is forgotten, else 503. */
  async forget(purge: string): Promise<Reply> {
    return replies.purgeStep(await this.#parts.purge.forget(purge));
  }

  /** 202 once all that is charged by now is in the ledger; after FLUSH_MS a 503 with the reason. */
  async flush(): Promise<Reply> {
    const missing = await this.#parts.engine.flush(FLUSH_MS);
    return missing === undefined ? replies.ACCEPTED : replies.unavailable(missing);
  }

  status(): Reply {
    const { engine, membership } = this.#parts;
    return replies.ok(JSON.stringify({ ...statusOf(engine), membership: membership.state }));
  }

  /** 200 while payments are taken, with what is wrong all the same; else 503. */
  ready(): Reply {
    const { engine, membership, clock } = this.#parts;
    const { isReady, reason, degraded } = readiness(
      engine,
      membership,
      engine.stages.standings(clock.now()),
    );
    if (!isReady) return replies.unavailable(reason);
    return replies.ok(JSON.stringify({ ready: true, degraded }));
  }

  /** What is known of one payment, wherever it is. Rejects if that can't be said now. */
  async payment(correlationId: string): Promise<Reply> {
    if (!isId(correlationId)) return replies.NO_ID;
    const status = await this.#parts.payments.anywhere(correlationId);
    return status === 'absent' ? replies.NOT_FOUND : replies.ok(JSON.stringify(status));
  }

  /** For peers: a payment that this instance holds. */
  heldPayment(correlationId: string): Reply {
    const status = this.#parts.payments.held(correlationId);
    return status === undefined ? replies.NOT_FOUND : replies.ok(JSON.stringify(status));
  }

  /** For peers: the figures of this instance; `seconds` of history, 0 to HISTORY_S. */
  snapshot(seconds: string): Reply {
    const most = Math.min(HISTORY_S, Number(seconds) || 0);
    return replies.ok(JSON.stringify(this.#parts.own.take(Math.max(0, most))));
  }

  /**
   * For peers: this instance's number, number of instances, ledger, and whether it has its place.
   */
  identity(): Reply {
    return replies.ok(JSON.stringify(this.#parts.membership.identity));
  }
}
