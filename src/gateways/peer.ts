// Another API instance, over its Unix socket.

import { Pool } from 'undici';
import { decimalFromCents } from '../cents.ts';
import type { Clock } from '../clock.ts';
import { HttpCall, type Answer } from './http-call.ts';

const CONNECTIONS = 16;
const KEEP_ALIVE_MS = 4_000;

/** What an instance says of itself. */
export interface Identity {
  readonly instance: number;
  readonly instances: number;
  /** '' while it doesn't know its ledger. */
  readonly ledgerId: string;
  /** Whether the ledger has given it its place: it may be sending payments. */
  readonly isPlaced: boolean;
}

export class Peer {
  readonly #pool: Pool;
  readonly #clock: Clock;
  readonly #meant: string;

  /** `meant`: which instance we take it for; one that is another takes no payment of us. */
  constructor(socketPath: string, clock: Clock, meant = '') {
    this.#clock = clock;
    this.#meant = meant;
    this.#pool = new Pool('http://peer', {
      connections: CONNECTIONS,
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { socketPath },
      keepAliveTimeout: KEEP_ALIVE_MS,
    });
  }

  /** Hands over a payment that it owns. 'away' when it doesn't answer or can't hold it now. Never rejects. */
  async offer(
    correlationId: string,
    amountCents: number,
    timeoutMs: number,
  ): Promise<'accepted' | 'conflict' | 'away'> {
    const body = `{"correlationId":"${correlationId}","amount":${decimalFromCents(amountCents)}}`;
    const answer = await this.#post(`/internal/payments${this.#meant}`, timeoutMs, body);
    if (answer.status === 202) return 'accepted';
    return answer.status === 409 ? 'conflict' : 'away';
  }

  /**
   * undefined once what it has charged is in the ledger; the reason when that isn't so, or it
   * doesn't say. Never rejects.
   */
  async flush(timeoutMs: number): Promise<string | undefined> {
    const answer = await this.#post('/internal/flush', timeoutMs);
    if (answer.status === 0) return 'it does not answer';
    return answer.status === 202 ? undefined : reasonIn(answer.text);
  }

  /** Whether it holds still for that purge. Never rejects. */
  holdStill(purge: string, timeoutMs: number): Promise<boolean> {
    return this.#agrees(`/internal/hold-still?${purge}`, timeoutMs);
  }

  /** Whether it takes nothing any more until the end of that purge. Never rejects. */
  freeze(purge: string, timeoutMs: number): Promise<boolean> {
    return this.#agrees(`/internal/freeze?${purge}`, timeoutMs);
  }

  /** Whether it forgot every payment for that purge. Never rejects. */
  forget(purge: string, timeoutMs: number): Promise<boolean> {
    return this.#agrees(`/internal/forget?${purge}`, timeoutMs);
  }

  /** undefined when it doesn't say. Never rejects. */
  async identity(timeoutMs: number): Promise<Identity | undefined> {
    const answer = await this.#call('GET', '/internal/identity', timeoutMs);
    if (answer.status !== 200) return undefined;
    try {
      return JSON.parse(answer.text) as Identity;
    } catch {
      return undefined;
    }
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  async #agrees(path: string, timeoutMs: number): Promise<boolean> {
    const answer = await this.#post(path, timeoutMs);
    return answer.status === 200;
  }

  #post(path: string, timeoutMs: number, body = ''): Promise<Answer> {
    return this.#call('POST', path, timeoutMs, body);
  }

  #call(method: 'GET' | 'POST', path: string, timeoutMs: number, body = ''): Promise<Answer> {
    const call = new HttpCall(this.#clock, timeoutMs);
    this.#pool.dispatch({ method, path, body }, call);
    return call.answer;
  }
}

/** The reason that an answer gives. */
function reasonIn(text: string): string {
  try {
    const { reason } = JSON.parse(text) as { reason?: unknown };
    if (typeof reason === 'string') return reason;
  } catch {
    // Not one of our answers.
  }
  return 'it can not say what is recorded';
}
