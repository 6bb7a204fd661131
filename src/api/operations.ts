// What operators ask for and do: lists of payments, anomalies and actions, and orders to single
// payments. A method that rejects becomes a 503.

import type { Ledger } from '../ledger/ledger.ts';
import type { HeldLists } from './held-list.ts';
import { readLimit, readListQuery } from './list-query.ts';
import type { Action } from './order-json.ts';
import type { PaymentActions } from './payment-actions.ts';
import * as replies from './replies.ts';
import type { Reply } from './replies.ts';

export interface OperationsParts {
  readonly lists: HeldLists;
  readonly paymentActions: PaymentActions;
  readonly ledger: Pick<Ledger, 'actions' | 'anomalies'>;
}

export class Operations {
  readonly #parts: OperationsParts;

  constructor(parts: OperationsParts) {
    this.#parts = parts;
  }

  /** Held payments of all instances. */
  async payments(query: string): Promise<Reply> {
    const read = readListQuery(query);
    if ('field' in read) return replies.badField(read.field, read.reason);
    return replies.ok(JSON.stringify(await this.#parts.lists.everywhere(read)));
  }

  /** For peers: held payments of this instance. */
  heldHere(query: string): Reply {
    const read = readListQuery(query);
    if ('field' in read) return replies.badField(read.field, read.reason);
    return replies.ok(JSON.stringify(this.#parts.lists.here(read)));
  }

  anomalies(query: string): Promise<Reply> {
    return newest(query, async (limit) => ({
      anomalies: await this.#parts.ledger.anomalies(limit),
    }));
  }

  actions(query: string): Promise<Reply> {
    return newest(query, async (limit) => ({ actions: await this.#parts.ledger.actions(limit) }));
  }

  order(correlationId: string, action: Action, body: Buffer): Promise<Reply> {
    return this.#parts.paymentActions.anywhere(correlationId, action, body);
  }

  /** For peers. */
  orderHere(correlationId: string, action: Action, body: Buffer): Promise<Reply> {
    return this.#parts.paymentActions.here(correlationId, action, body);
  }
}

async function newest(query: string, read: (limit: number) => Promise<unknown>): Promise<Reply> {
  const limit = readLimit(query);
  if (typeof limit === 'object') return replies.badField(limit.field, limit.reason);
  return replies.ok(JSON.stringify(await read(limit)));
}
