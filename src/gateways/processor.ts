// One payment processor over HTTP: the only file that sends to one.
//
// Nothing is retried here and nothing is followed. Every call has a deadline of its own; undici's are off, since they are
// about a second coarse (undici 7.30 lib/util/timers.js).

import { decimalFromCents } from '../cents.ts';
import type { Clock } from '../clock.ts';
import type { Charge } from '../payment.ts';
import { readAddress, type Address } from '../processor-address.ts';
import { textOf } from './answer-text.ts';
import { confirms, isJson, parseObject, readHeld } from './held-payment.ts';
import type { Resolve } from './host-names.ts';
import { HttpCall, type Answer } from './http-call.ts';
import {
  CHARGED,
  excerpt,
  outcomeOfStatus,
  unanswered,
  type Answered,
  type OutcomeRule,
} from './outcome.ts';
import { ProcessorPool } from './processor-pool.ts';

/** What a processor says of itself. */
export interface Health {
  readonly failing: boolean;
  /** The best case for an answer. */
  readonly minResponseTimeMs: number;
}

/** What a processor says of a payment. */
export interface Looked {
  /** As the processor holds it; 'unknown' when it didn't say, or not so that it can be read. */
  readonly held: Charge | 'absent' | 'unknown';
  /** 0 when no whole answer came. */
  readonly status: number;
  /**
   * The beginning of the answer's text, or why there is none, made safe for a log, when nothing is
   * proved.
   */
  readonly said: string;
}

export interface Processor {
  /** Sends a payment once. Never rejects. */
  charge(charge: Charge, timeoutMs: number): Promise<Answered>;
  /** Asks for the payment that the processor holds under this id. Never rejects. */
  lookup(correlationId: string, timeoutMs: number): Promise<Looked>;
  /** undefined when it didn't say. Never rejects. */
  health(timeoutMs: number): Promise<Health | undefined>;
}

export interface HttpProcessorParts {
  readonly url: string;
  readonly connections: number;
  readonly outcomes: OutcomeRule;
  readonly clock: Clock;
  /** The operating system's resolver by default. */
  readonly resolve?: Resolve;
}

const UNDECODABLE = 'an answer whose content coding cannot be undone';

export class HttpProcessor implements Processor {
  readonly #clock: Clock;
  readonly #outcomes: OutcomeRule;
  readonly #address: Address;
  readonly #pool: ProcessorPool;
  readonly #getHeaders: string[];
  readonly #postHeaders: string[];

  constructor({ url, connections, outcomes, clock, resolve }: HttpProcessorParts) {
    const address = readAddress(url);
    if (typeof address === 'string') throw new Error(`the address of a processor ${address}`);
    const { origin, hostname, authorization } = address;
    this.#clock = clock;
    this.#outcomes = outcomes;
    this.#address = address;
    this.#pool = new ProcessorPool({ origin, hostname, connections, clock, resolve });
    this.#getHeaders = ['accept-encoding', 'identity'];
    if (authorization !== undefined) this.#getHeaders.push('authorization', authorization);
    this.#postHeaders = ['content-type', 'application/json', ...this.#getHeaders];
  }

  async charge(charge: Charge, timeoutMs: number): Promise<Answered> {
    const answer = await this.#call('POST', '/payments', timeoutMs, bodyOf(charge));
    const { status, isSent } = answer;
    if (status === 0) {
      return unanswered(isSent ? 'unknown' : 'declined', this.#excerpt(answer.text));
    }
    const outcome = outcomeOfStatus(status, this.#outcomes);
    if (outcome === 'charged' && this.#outcomes === 'contest') return CHARGED;
    const text = textOf(answer);
    if (outcome === 'charged' && confirms(text ?? '', charge)) return CHARGED;
    const said = this.#excerpt(text ?? UNDECODABLE);
    return { outcome: outcome === 'charged' ? 'unknown' : outcome, status, said };
  }

  async lookup(correlationId: string, timeoutMs: number): Promise<Looked> {
    const answer = await this.#call('GET', `/payments/${correlationId}`, timeoutMs);
    const { status } = answer;
    const text = status === 0 ? answer.text : textOf(answer);
    let held: Looked['held'] = 'unknown';
    if (status === 200) held = readHeld(text ?? '', correlationId) ?? 'unknown';
    // A processor speaks JSON; a page that says so is a gateway's, which knows nothing of payments.
    if (status === 404 && (text?.trim() === '' || isJson(text ?? ''))) held = 'absent';
    return { held, status, said: held === 'unknown' ? this.#excerpt(text ?? UNDECODABLE) : '' };
  }

  async health(timeoutMs: number): Promise<Health | undefined> {
    const answer = await this.#call('GET', '/payments/service-health', timeoutMs);
    // While failing, some versions of the processors say so with a 503 and the same body.
    if (answer.status !== 200 && answer.status !== 503) return undefined;
    const { failing, minResponseTime } = parseObject(textOf(answer) ?? '') ?? {};
    if (typeof failing !== 'boolean' || typeof minResponseTime !== 'number') return undefined;
    return { failing, minResponseTimeMs: Math.max(0, minResponseTime) };
  }

  /** Ends idle connections at once and calls under way too. */
  async close(): Promise<void> {
    await this.#pool.close();
  }

  #call(method: 'GET' | 'POST', path: string, timeoutMs: number, body?: string): Promise<Answer> {
    const call = new HttpCall(this.#clock, timeoutMs);
    const { prefix, query } = this.#address;
    const headers = body === undefined ? this.#getHeaders : this.#postHeaders;
    const options = { method, path: prefix + path + query, headers, body: body ?? null };
    this.#pool.dispatch(options, call);
    return call.answer;
  }

  /** A server may send back what it was sent. */
  #excerpt(text: string): string {
    const { secrets } = this.#address;
    return excerpt(secrets.reduce((shown, secret) => shown.replaceAll(secret, '***'), text));
  }
}

/** By hand: correlation ids need no escaping, and cents become decimals without a float. */
function bodyOf(charge: Charge): string {
  const requestedAt = new Date(charge.requestedAtMs).toISOString();
  const amount = decimalFromCents(charge.amountCents);
  return `{"correlationId":"${charge.correlationId}","amount":${amount},"requestedAt":"${requestedAt}"}`;
}
