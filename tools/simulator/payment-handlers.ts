// POST /payments and GET /payments/{id}, as the contest's processors do them.
//
//   received ─▶ limiter ─▶ [fault at once] ─▶ sleep `delay` ─▶ [fault] ─▶ `failure`: 500
//     ─▶ insert: 200 or 422 ─▶ answer [spoiled by a fault]
//
// A client that disconnects changes nothing. (.NET drops a call that waits for the limiter when its
// client disconnects; here it still runs, which is the harder case for the sender.)

import type { ServerResponse } from 'node:http';
import { signedDecimal } from './amounts.ts';
import { replyLimited, type Answer, type Answers } from './answers.ts';
import type { Attempts } from './attempts.ts';
import { NO_FAULT, storesNothing, type Fault, type FaultLever } from './faults.ts';
import type { ConcurrencyLimiter } from './limiters.ts';
import { chargeFromBody, idFrom } from './payment-body.ts';
import type { Charge } from '../../src/payment.ts';
import type { Timers } from './timers.ts';
import type { ChargeStore } from './charge-store.ts';

/** The levers that the contest sets, and the counts. */
export interface Settings {
  token: string;
  delayMs: number;
  failing: boolean;
  attempts: Attempts;
}

export interface DeskParts {
  readonly settings: Settings;
  readonly charges: ChargeStore;
  readonly limiter: ConcurrencyLimiter;
  readonly faults: FaultLever;
  readonly answers: Answers;
  readonly timers: Timers;
}

const RETRY_AFTER_S = 5;
const PROCESSED: Answer = { status: 200, text: '{"message":"payment processed successfully"}' };
const FAILED: Answer = { status: 500, text: '' };
const MALFORMED: Answer = { status: 400, text: '{"message":"not a payment"}' };
const ABSENT: Answer = { status: 404, text: '' };

export class PaymentHandlers {
  readonly #parts: DeskParts;
  readonly #leave: () => void;

  constructor(parts: DeskParts) {
    this.#parts = parts;
    this.#leave = () => parts.limiter.leave();
  }

  charge(response: ServerResponse, body: string): void {
    const { limiter, settings } = this.#parts;
    settings.attempts.posts.received++;
    if (limiter.enter(() => this.#admit(response, body))) return;
    settings.attempts.posts.limited++;
    replyLimited(response, RETRY_AFTER_S);
  }

  lookUp(response: ServerResponse, idText: string): void {
    const { limiter, settings } = this.#parts;
    settings.attempts.lookups.received++;
    if (limiter.enter(() => this.#find(response, idText))) return;
    settings.attempts.lookups.limited++;
    replyLimited(response, RETRY_AFTER_S);
  }

  #admit(response: ServerResponse, body: string): void {
    const { settings, faults, timers } = this.#parts;
    const charge = chargeFromBody(body);
    if (charge === undefined) {
      settings.attempts.posts.malformed++;
      this.#deliver(response, MALFORMED, NO_FAULT);
      return;
    }
    const fault = faults.forPayment(charge.amountCents);
    const atOnce = fault.kind === 'refuse-after-read' || fault.kind === 'hang';
    if (atOnce || settings.delayMs === 0) {
      this.#process(response, charge, fault);
      return;
    }
    timers.after(settings.delayMs, () => this.#process(response, charge, fault));
  }

  #process(response: ServerResponse, charge: Charge, fault: Fault): void {
    const { settings, charges } = this.#parts;
    const { attempts } = settings;
    if (storesNothing(fault.kind)) {
      attempts.posts.faulted++;
      this.#deliver(response, PROCESSED, fault);
      return;
    }
    if (settings.failing) {
      attempts.posts.failed++;
      this.#deliver(response, FAILED, NO_FAULT);
      return;
    }
    const inserted = charges.insert(charge);
    if (inserted) attempts.posts.inserted++;
    else attempts.posts.duplicate++;
    if (fault.kind !== 'none') attempts.faultedAfterInsert++;
    this.#deliver(response, inserted ? PROCESSED : duplicate(charge.correlationId), fault);
  }

  #find(response: ServerResponse, idText: string): void {
    const { settings, charges, faults } = this.#parts;
    const { lookups } = settings.attempts;
    const id = idFrom(idText);
    if (id === undefined) {
      lookups.malformed++;
      this.#deliver(response, MALFORMED, NO_FAULT);
      return;
    }
    const charge = charges.find(id);
    const fault = faults.forLookup(charge?.amountCents);
    if (fault.kind !== 'none') lookups.faulted++;
    else if (charge === undefined) lookups.absent++;
    else lookups.found++;
    this.#deliver(response, charge === undefined ? ABSENT : held(charge), fault);
  }

  #deliver(response: ServerResponse, answer: Answer, fault: Fault): void {
    this.#parts.answers.deliver(response, answer, fault, this.#leave);
  }
}

const duplicate = (id: string): Answer => ({
  status: 422,
  text: `{"message":"Payment could not be processed. CorrelationId already exists: ${id}."}`,
});

const held = (charge: Charge): Answer => ({
  status: 200,
  text:
    `{"correlationId":"${charge.correlationId}","amount":${signedDecimal(charge.amountCents)},` +
    `"requestedAt":"${new Date(charge.requestedAtMs).toISOString()}"}`,
});
