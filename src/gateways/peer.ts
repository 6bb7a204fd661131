// A client of another API instance: hand-overs, flushes, purges and identity. It is reached over
// its Unix socket, or over TCP on another host.
// No method rejects. An instance that doesn't answer in time counts as away.

import type { Pool } from 'undici';
import { decimalFromCents } from '../cents.ts';
import type { Clock } from '../clock.ts';
import { HttpCall, type Answer } from './http-call.ts';
import { poolFor, type PeerAddress } from './peer-address.ts';

/** A snapshot has about 100 kB, a list at most a thousand payments of 400 bytes. */
const LONG_BYTES_MAX = 1024 * 1024;

/** The end of the query with which a payment in doubt is handed over. */
export const IN_DOUBT = '&in-doubt';

/** An instance's answer about itself. */
export interface PaymentStatus {
  readonly correlationId: string;
  /** 'settled', 'given up', or where a held payment stands (src/watch/stages.ts). */
  readonly state: string;
  readonly amountCents: number;
  readonly processor?: string;
  /** ISO 8601. */
  readonly requestedAt?: string;
  readonly acceptedAt?: string;
  /** The instance that holds it. */
  readonly instance?: number;
  /** Attempts so far. */
  readonly attempts?: number;
  /** It was sent to `processor`, and nobody knows whether that one holds it. */
  readonly unknown?: true;
  /** The latest answer that was no charge. `status` is 0 if none came. */
  readonly lastAnswer?: {
    readonly processor: string;
    readonly outcome: string;
    readonly status: number;
  };
  readonly givenUpAt?: string;
  /** It was given up while a processor may have held it. */
  readonly mayBeCharged?: boolean;
}

/** The payments that an instance holds, oldest first, and how many stand where. */
export interface HeldAnswer {
  readonly payments: readonly PaymentStatus[];
  readonly counts: Readonly<Record<string, number>>;
}

export interface Identity {
  readonly instance: number;
  readonly instances: number;
  /** '' while the instance doesn't know its ledger. */
  readonly ledgerId: string;
  /** Whether the ledger has given the instance its place, so that it may send payments. */
  readonly isPlaced: boolean;
}

const NO_ADDRESS: Answer = { status: 0, text: 'no address', headers: [], isSent: false };

export class Peer {
  /** undefined while nobody is known to run that instance. */
  #pool: Pool | undefined;
  #headers: Readonly<Record<string, string>> = {};
  readonly #clock: Clock;
  readonly #identityQuery: string;

  /**
   * `identityQuery` names the instance that should listen there, with its `?`; another instance
   * refuses what is asked with it.
   */
  constructor(address: PeerAddress | undefined, clock: Clock, identityQuery = '') {
    this.#clock = clock;
    this.#identityQuery = identityQuery;
    this.moveTo(address);
  }

  /** From now on it is reached there; what is under way at the old address gets no answer. */
  moveTo(address: PeerAddress | undefined): void {
    void this.#pool?.destroy();
    this.#pool = address && poolFor(address);
    this.#headers =
      address !== undefined && 'secret' in address
        ? { authorization: `Bearer ${address.secret}` }
        : {};
  }

  /**
   * Hands over a payment that the peer owns. 'conflict': the peer knows the id with another amount.
   * 'given up': an operator gave it up. 'away': no answer, or the peer can't hold the payment now.
   * A peer of an earlier version, which knows no doubt, refuses a payment in doubt.
   */
  async offer(
    correlationId: string,
    amountCents: number,
    timeoutMs: number,
    isInDoubt = false,
  ): Promise<'accepted' | 'conflict' | 'given up' | 'away'> {
    const body = `{"correlationId":"${correlationId}","amount":${decimalFromCents(amountCents)}}`;
    const query = `${this.#identityQuery}${isInDoubt ? IN_DOUBT : ''}`;
    const answer = await this.#post(`/internal/payments${query}`, timeoutMs, body);
    if (answer.status === 202) return 'accepted';
    if (answer.status === 410) return 'given up';
    return answer.status === 409 ? 'conflict' : 'away';
  }

  /**
   * Resolves with undefined once all that the peer has charged is in the ledger, else with the
   * reason why that isn't known.
   */
  async flush(timeoutMs: number): Promise<string | undefined> {
    const answer = await this.#post(`/internal/flush${this.#identityQuery}`, timeoutMs);
    if (answer.status === 0) return 'it does not answer';
    return answer.status === 202 ? undefined : reasonIn(answer.text);
  }

  /** Whether no attempt is under way at the peer, for that purge. */
  holdStill(purge: string, timeoutMs: number): Promise<boolean> {
    return this.#obeys('hold-still', purge, timeoutMs);
  }

  /** Whether the peer accepts no payment until that purge ends. */
  freeze(purge: string, timeoutMs: number): Promise<boolean> {
    return this.#obeys('freeze', purge, timeoutMs);
  }

  /** Whether the peer forgot every payment for that purge. */
  forget(purge: string, timeoutMs: number): Promise<boolean> {
    return this.#obeys('forget', purge, timeoutMs);
  }

  /** 'refused': it has another PEER_SECRET. Resolves with undefined if the peer doesn't answer. */
  async identity(timeoutMs: number): Promise<Identity | 'refused' | undefined> {
    const answer = await this.#call('GET', '/internal/identity', timeoutMs);
    if (answer.status === 401) return 'refused';
    return answer.status === 200 ? (objectIn(answer.text) as Identity | undefined) : undefined;
  }

  /** A payment that the peer holds; 'unknown' if it doesn't answer. Never rejects. */
  async payment(
    correlationId: string,
    timeoutMs: number,
  ): Promise<PaymentStatus | 'absent' | 'unknown'> {
    const path = `/internal/payments/${correlationId}`;
    const { status, text } = await this.#call('GET', path, timeoutMs);
    if (status === 404) return 'absent';
    const found = status === 200 ? objectIn(text) : undefined;
    return typeof found?.['state'] === 'string' ? (found as unknown as PaymentStatus) : 'unknown';
  }

  /**
   * The peer's figures as JSON, with the history of the last `seconds`; undefined if it doesn't
   * answer.
   */
  snapshot(seconds: number, timeoutMs: number): Promise<string | undefined> {
    return this.#long(`/internal/snapshot?${seconds}`, timeoutMs);
  }

  /** The payments that the peer holds; undefined if it doesn't answer so. */
  async held(query: string, timeoutMs: number): Promise<HeldAnswer | undefined> {
    const text = await this.#long(`/internal/held?${query}`, timeoutMs);
    const { payments, counts } = (text === undefined ? undefined : objectIn(text)) ?? {};
    if (!Array.isArray(payments) || typeof counts !== 'object' || counts === null) return undefined;
    return { payments, counts } as HeldAnswer;
  }

  /** Passes on an operator's order. `path` is the payment's id and the action. */
  act(path: string, order: string, timeoutMs: number): Promise<Answer> {
    return this.#post(`/internal/payments/${path}`, timeoutMs, order);
  }

  async close(): Promise<void> {
    await this.#pool?.destroy();
  }

  /** A step of a purge. Another instance may be at its address now: it must not take it. */
  async #obeys(step: string, purge: string, timeoutMs: number): Promise<boolean> {
    const query = `${this.#identityQuery}&purge=${purge}`;
    const answer = await this.#post(`/internal/${step}${query}`, timeoutMs);
    return answer.status === 200;
  }

  /** The body of a 200, which may be long; undefined without one. */
  async #long(path: string, timeoutMs: number): Promise<string | undefined> {
    const { status, text } = await this.#dispatch(
      { method: 'GET', path },
      timeoutMs,
      LONG_BYTES_MAX,
    );
    return status === 200 ? Buffer.from(text, 'latin1').toString() : undefined;
  }

  #post(path: string, timeoutMs: number, body = ''): Promise<Answer> {
    return this.#call('POST', path, timeoutMs, body);
  }

  #call(method: 'GET' | 'POST', path: string, timeoutMs: number, body = ''): Promise<Answer> {
    return this.#dispatch({ method, path, body }, timeoutMs);
  }

  #dispatch(
    request: { readonly method: 'GET' | 'POST'; readonly path: string; readonly body?: string },
    timeoutMs: number,
    bytesMax?: number,
  ): Promise<Answer> {
    if (this.#pool === undefined) return Promise.resolve(NO_ADDRESS);
    const call = new HttpCall(this.#clock, timeoutMs, bytesMax);
    this.#pool.dispatch({ ...request, headers: this.#headers }, call);
    return call.answer;
  }
}

/** The reason in a peer's 503. */
function reasonIn(text: string): string {
  const reason = objectIn(text)?.['reason'];
  return typeof reason === 'string' ? reason : 'it can not say what is recorded';
}

/** The JSON object that the text is; undefined if it is none, so no answer of this program. */
function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
