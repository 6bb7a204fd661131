// Orders of operators to single payments, whichever instance holds them.

import type { Peer } from '../gateways/peer.ts';
import type { LeverResult } from '../operator/lever-result.ts';
import type { Levers } from '../operator/levers.ts';
import { DEFAULT, FALLBACK, idFromText, type IdWords } from '../payment.ts';
import { readOrder, type Action, type OrderBody } from './order-json.ts';
import type { PaymentStatuses } from './payment-status.ts';
import * as replies from './replies.ts';
import type { Reply } from './replies.ts';

export interface PaymentActionsParts {
  readonly instance: number;
  /** All instances in order, this one included. */
  readonly peers: readonly Peer[];
  readonly payments: PaymentStatuses;
  readonly levers: Levers;
}

/** Orders under way; more are refused. */
const ORDERS_MAX = 20;
/** For a peer's answer: it waits for its ledger and for the effect. */
const PEER_MS = 10_000;
/** How often a payment is looked for again that moved meanwhile. */
const LOOKS = 2;

interface Order extends OrderBody {
  readonly id: IdWords;
  readonly correlationId: string;
  readonly action: Action;
  /** The order as it came. */
  readonly body: Buffer;
}

export class PaymentActions {
  readonly #parts: PaymentActionsParts;
  #orders = 0;

  constructor(parts: PaymentActionsParts) {
    this.#parts = parts;
  }

  /** Carries out an order at whichever instance holds the payment. Rejects if that isn't known. */
  async anywhere(correlationId: string, action: Action, body: Buffer): Promise<Reply> {
    const order = orderOf(correlationId, action, body);
    if ('status' in order) return order;
    if (this.#orders >= ORDERS_MAX) return replies.unavailable('too many orders at once');
    this.#orders++;
    try {
      return await this.#find(order);
    } finally {
      this.#orders--;
    }
  }

  /** For peers: carries out an order for a payment that this instance holds. */
  async here(correlationId: string, action: Action, body: Buffer): Promise<Reply> {
    const order = orderOf(correlationId, action, body);
    return 'status' in order ? order : this.#carryOut(order);
  }

  async #find(order: Order): Promise<Reply> {
    const { correlationId, action, body } = order;
    const { instance, peers, payments } = this.#parts;
    for (let look = 0; look < LOOKS; look++) {
      const reply = await this.#carryOut(order);
      if (reply.status !== 404) return reply;
      const status = await payments.anywhere(correlationId);
      if (status === 'absent') return replies.NOT_FOUND;
      const holder = status.instance;
      if (holder === undefined) return replies.conflict(`it is ${status.state} already`);
      if (holder === instance) continue;
      const path = `${correlationId}/${action}`;
      const answer = await peers[holder]?.act(path, body.toString(), PEER_MS);
      if (answer === undefined || answer.status === 0) {
        return replies.unavailable(`instance ${holder} holds it and does not answer`);
      }
      if (answer.status !== 404) return replies.passedOn(answer.status, answer.text);
    }
    return replies.unavailable('it moves from one instance to another: try again');
  }

  async #carryOut(order: Order): Promise<Reply> {
    return replyTo(await this.#pull(order), order);
  }

  #pull(order: Order): Promise<LeverResult> {
    const { levers } = this.#parts;
    switch (order.action) {
      case 'retry':
        return levers.retry(order);
      case 'send':
        return levers.send(order, order.processor === 'default' ? DEFAULT : FALLBACK);
      case 'give-up':
        return levers.giveUp(order, order.mayBeCharged);
    }
  }
}

/** Reads an order; the answer to it if it can't be one. */
function orderOf(correlationId: string, action: Action, body: Buffer): Order | Reply {
  const id = idFromText(correlationId);
  if (id === undefined) return replies.NO_ID;
  const order = readOrder(body, action);
  if ('field' in order) return replies.badField(order.field, order.reason);
  return { ...order, id, correlationId: correlationId.toLowerCase(), action, body };
}

function replyTo({ kind, text, field }: LeverResult, { correlationId, action }: Order): Reply {
  switch (kind) {
    case 'done':
      return replies.acted(200, { correlationId, action, result: text });
    case 'planned':
      return replies.acted(202, { correlationId, action, result: text });
    case 'not held':
      return replies.NOT_FOUND;
    case 'impossible':
      return replies.conflict(text, field);
    case 'unavailable':
      return replies.unavailable(text);
  }
}
