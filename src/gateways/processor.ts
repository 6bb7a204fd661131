// The client of one payment processor over HTTP. No other file sends to a processor. It retries
// nothing and follows no redirect. Each call has its own deadline; undici's time-outs are off,
// since their resolution is about a second (undici 7.30 lib/util/timers.js).

import { decimalFromCents } from '../cents.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { Charge } from '../payment.ts';
import { readAddress, type Address } from '../config/processor-address.ts';
import { textOf } from './answer-text.ts';
import { confirms, isJson, parseObject, readHeld } from './payment-answer.ts';
import type { Resolve } from './host-names.ts';
import { HttpCall, type Answer } from './http-call.ts';
import {
  CHARGED,
  excerptOf,
  outcomeOfStatus,
  withoutAnswer,
  type AttemptResult,
  type OutcomeRule,
} from './outcome.ts';
import { ProcessorPool } from './processor-pool.ts';

/** A processor's answer about its own health. */
export interface Health {
  readonly failing: boolean;
  /** The shortest time that an answer takes. */
  readonly minResponseTimeMs: number;
}

/** A processor's answer about a payment. */
export interface LookupResult {
  /** The payment that the processor holds; 'unknown' without an answer that can be read. */
  readonly held: Charge | 'absent' | 'unknown';
  /** 0 if no whole answer came. */
  readonly status: number;
  /** For 'unknown': an excerpt of the answer's text, or the reason why no answer came. Else ''. */
  readonly excerpt: string;
}

export interface Processor {
  /** Sends a payment once. Never rejects. */
  charge(charge: Charge, timeoutMs: number): Promise<AttemptResult>;
  /** Asks for the payment that the processor holds under this id. Never rejects. */
  lookup(correlationId: string, timeoutMs: number): Promise<LookupResult>;
  /** Resolves with undefined without an answer that can be read. Never rejects. */
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

  async charge(charge: Charge, timeoutMs: number): Promise<AttemptResult> {
    const answer = await this.#call('POST', '/payments', timeoutMs, bodyOf(charge));
    const { status, isSent } = answer;
    if (status === 0) {
      return withoutAnswer(isSent ? 'unknown' : 'declined', this.#excerpt(answer.text));
    }
    const outcome = outcomeOfStatus(status, this.#outcomes);
    if (outcome === 'charged' && this.#outcomes === 'contest') return CHARGED;
    const text = textOf(answer);
    if (outcome === 'charged' && confirms(text ?? '', charge)) return CHARGED;
    const excerpt = this.#excerpt(text ?? UNDECODABLE);
    return { outcome: outcome === 'charged' ? 'unknown' : outcome, status, excerpt };
  }

  async lookup(correlationId: string, timeoutMs: number): Promise<LookupResult> {
    const answer = await this.#call('GET', `/payments/${correlationId}`, timeoutMs);
    const { status } = answer;
    const text = status === 0 ? answer.text : textOf(answer);
    let held: LookupResult['held'] = 'unknown';
    if (status === 200) held = readHeld(text ?? '', correlationId) ?? 'unknown';
    // A 404 with another text is a gateway's, which knows nothing of payments.
    if (status === 404 && (text?.trim() === '' || isJson(text ?? ''))) held = 'absent';
    return { held, status, excerpt: held === 'unknown' ? this.#excerpt(text ?? UNDECODABLE) : '' };
  }

  async health(timeoutMs: number): Promise<Health | undefined> {
    const answer = await this.#call('GET', '/payments/service-health', timeoutMs);
    // While failing, some versions of the processors answer 503 with the same body.
    if (answer.status !== 200 && answer.status !== 503) return undefined;
    const { failing, minResponseTime } = parseObject(textOf(answer) ?? '') ?? {};
    if (typeof failing !== 'boolean' || typeof minResponseTime !== 'number') return undefined;
    return { failing, minResponseTimeMs: Math.max(0, minResponseTime) };
  }

  /** Closes all connections at once. Calls under way end without an answer. */
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

  /** Masks our credentials, since a server may echo the request. */
  #excerpt(text: string): string {
    const { secrets } = this.#address;
    return excerptOf(secrets.reduce((shown, secret) => shown.replaceAll(secret, '***'), text));
  }
}

/**
 * Written by hand: correlation ids need no escaping, and cents become a decimal without a float.
 */
function bodyOf(charge: Charge): string {
  const requestedAt = new Date(charge.requestedAtMs).toISOString();
  const amount = decimalFromCents(charge.amountCents);
  const fields = `"correlationId":"${charge.correlationId}","amount":${amount}`;
  return `{${fields},"requestedAt":"${requestedAt}"}`;
}

/** Both processors, as the settings describe them. */
export function createProcessors(
  config: Config,
  clock: Clock,
): readonly [HttpProcessor, HttpProcessor] {
  return [
    new HttpProcessor({
      url: config.PROCESSOR_DEFAULT_URL,
      connections: config.POOL_DEFAULT,
      outcomes: config.OUTCOMES_DEFAULT,
      clock,
    }),
    new HttpProcessor({
      url: config.PROCESSOR_FALLBACK_URL,
      connections: config.POOL_FALLBACK,
      outcomes: config.OUTCOMES_FALLBACK,
      clock,
    }),
  ];
}
