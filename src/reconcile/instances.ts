// Asks about payments that instances hold. The admin server of any instance answers for all.

import { LIMIT_MAX } from '../api/list-query.ts';
import { isoTime } from '../iso-time.ts';
import type { TimeRange } from '../ledger/reader.ts';
import type { AdminClient } from '../payments/admin-client.ts';
import { Failure } from '../payments/failure.ts';

/** Where a payment stands that a processor may have charged. */
const MAY_BE_CHARGED = [
  'at a processor',
  'unrecorded',
  'in doubt',
  'unverified',
  'for another',
  'giving up',
] as const;

export interface HeldPayments {
  readonly ids: readonly string[];
  /** Why there may be more; '' if these are all. */
  readonly lack: string;
}

interface HeldPayment {
  readonly correlationId: string;
  readonly requestedAt?: string;
}

export class Instances {
  readonly #client: AdminClient;

  constructor(client: AdminClient) {
    this.#client = client;
  }

  /** Whether an instance holds the payment; 'unknown' if that can't be said now. Never rejects. */
  async hold(correlationId: string): Promise<boolean | 'unknown'> {
    try {
      const { status, body } = await this.#client.payment(correlationId);
      if (status === 404) return false;
      const state = status === 200 ? body['state'] : undefined;
      if (typeof state !== 'string') return 'unknown';
      return state !== 'settled' && state !== 'given up';
    } catch (error) {
      if (error instanceof Failure) return 'unknown';
      throw error;
    }
  }

  /**
   * Payments that an instance holds and a processor may have charged, without those that were sent
   * outside of the range. Never rejects.
   */
  async maybeCharged(range: TimeRange): Promise<HeldPayments> {
    const ids: string[] = [];
    const lacks = new Set<string>();
    try {
      for (const state of MAY_BE_CHARGED) {
        const query = `state=${encodeURIComponent(state)}&limit=${LIMIT_MAX}`;
        const body = await this.#client.read(`/payments?${query}`);
        const payments = body['payments'] as readonly HeldPayment[];
        for (const number of body['unreachable'] as readonly number[]) {
          lacks.add(`instance ${number} does not answer`);
        }
        if (payments.length === LIMIT_MAX) {
          lacks.add(`the instances hold more than ${LIMIT_MAX} payments that are ${state}`);
        }
        for (const payment of payments) {
          if (!isOutside(payment, range)) ids.push(payment.correlationId);
        }
      }
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      lacks.add(error.message);
    }
    return { ids, lack: [...lacks].join(', ') };
  }
}

function isOutside({ requestedAt }: HeldPayment, { fromMs, toMs }: TimeRange): boolean {
  const sentMs = requestedAt === undefined ? undefined : isoTime(requestedAt, 'down');
  return sentMs !== undefined && (sentMs < fromMs || sentMs > toMs);
}
