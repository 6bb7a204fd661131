// One payment processor over HTTP: the only file that sends to one.
//
// Nothing is retried here and nothing is followed. Every call has a deadline of its own; undici's are off, since they are
// about a second coarse (undici 7.30 lib/util/timers.js).

import { Pool } from 'undici';
import { centsFromDecimal, decimalFromCents } from '../cents.ts';
import type { Clock } from '../clock.ts';
import type { Charge } from '../payment.ts';
import { HttpCall, type Answer } from './http-call.ts';
import { HostNames } from './host-names.ts';
import { CHARGED, excerpt, outcomeOfStatus, unanswered, type Answered } from './outcome.ts';

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
  /** The beginning of the answer's text, made safe for a log, when the answer proves nothing. */
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

const JSON_HEADERS = ['content-type', 'application/json'];
const CONNECT_TIMEOUT_MS = 1_000;
/** Idle sockets go before the processor closes them (Kestrel 130 s, nginx 75 s; Node's 5 s come with a hint, which undici obeys). */
const KEEP_ALIVE_MS = 60_000;

export class HttpProcessor implements Processor {
  readonly #pool: Pool;
  readonly #clock: Clock;
  readonly #basePath: string;

  constructor(url: string, connections: number, clock: Clock) {
    const { origin, pathname } = new URL(url);
    this.#basePath = pathname.replace(/\/$/, '');
    this.#clock = clock;
    this.#pool = new Pool(origin, {
      connections,
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: CONNECT_TIMEOUT_MS, lookup: new HostNames(clock).lookup },
      keepAliveTimeout: KEEP_ALIVE_MS,
    });
  }

  async charge(charge: Charge, timeoutMs: number): Promise<Answered> {
    const answer = await this.#call('POST', '/payments', timeoutMs, bodyOf(charge));
    if (answer === 'unsent') return unanswered('declined');
    if (answer === 'broken') return unanswered('unknown');
    const outcome = outcomeOfStatus(answer.status);
    if (outcome === 'charged') return CHARGED;
    return { outcome, status: answer.status, said: excerpt(answer.text) };
  }

  async lookup(correlationId: string, timeoutMs: number): Promise<Looked> {
    const answer = await this.#call('GET', `/payments/${correlationId}`, timeoutMs);
    if (typeof answer === 'string') return { held: 'unknown', status: 0, said: '' };
    const { status, text } = answer;
    if (status === 404) return { held: 'absent', status, said: '' };
    const held = status === 200 ? chargeFrom(text, correlationId) : undefined;
    if (held !== undefined) return { held, status, said: '' };
    return { held: 'unknown', status, said: excerpt(text) };
  }

  async health(timeoutMs: number): Promise<Health | undefined> {
    const answer = await this.#call('GET', '/payments/service-health', timeoutMs);
    // While failing, some versions of the processors say so with a 503 and the same body.
    if (typeof answer === 'string' || ![200, 503].includes(answer.status)) return undefined;
    const { failing, minResponseTime } = parseObject(answer.text);
    if (typeof failing !== 'boolean' || typeof minResponseTime !== 'number') return undefined;
    return { failing, minResponseTimeMs: Math.max(0, minResponseTime) };
  }

  /** Ends idle connections at once and calls under way too. */
  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  #call(method: 'GET' | 'POST', path: string, timeoutMs: number, body?: string): Promise<Answer> {
    const call = new HttpCall(this.#clock, timeoutMs);
    const headers = body === undefined ? [] : JSON_HEADERS;
    const options = { method, path: this.#basePath + path, headers, body: body ?? null };
    this.#pool.dispatch(options, call);
    return call.answer;
  }
}

/** By hand: correlation ids need no escaping, and cents become decimals without a float. */
function bodyOf(charge: Charge): string {
  const requestedAt = new Date(charge.requestedAtMs).toISOString();
  const amount = decimalFromCents(charge.amountCents);
  return `{"correlationId":"${charge.correlationId}","amount":${amount},"requestedAt":"${requestedAt}"}`;
}

/** Reads a processor's payment; the amount from its digits. undefined when it isn't the one asked for. */
function chargeFrom(text: string, correlationId: string): Charge | undefined {
  const payment = parseObject(text);
  const digits = /"amount"\s*:\s*(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/.exec(text)?.[1];
  const heldId = String(payment['correlationId']).toLowerCase();
  if (heldId !== correlationId || digits === undefined) return undefined;
  const amountCents = centsFromDecimal(digits, Number.MAX_SAFE_INTEGER);
  const requestedAtMs = parseUtc(String(payment['requestedAt']));
  if (typeof amountCents === 'string' || Number.isNaN(requestedAtMs)) return undefined;
  return { correlationId, amountCents, requestedAtMs };
}

/** The contest's processors leave out the Z (.NET's DateTime of unspecified kind): Date.parse would take that for local time. */
function parseUtc(time: string): number {
  return Date.parse(/(?:z|[+-]\d\d:?\d\d)$/i.test(time) ? time : `${time}Z`);
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
