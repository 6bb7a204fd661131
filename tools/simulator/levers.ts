// A client of the simulator's /admin endpoints, for tests and audits. Every call has a deadline and
// rejects when it fails.

import type { Attempts, Busy } from './attempts.ts';
import type { Fault } from './faults.ts';

export interface Summary {
  readonly totalRequests: number;
  readonly totalAmount: number;
  readonly totalFee: number;
  readonly feePerTransaction: number;
}

export interface ListedPayment {
  readonly correlationId: string;
  readonly amountCents: number;
  readonly requestedAt: string;
  /** When it was stored; null for what a state file held at the start. */
  readonly chargedAtMs: number | null;
}

interface Range {
  readonly from: string;
  readonly to: string;
}

const TIMEOUT_MS = 10_000;

const queryOf = (range?: Range): string =>
  range === undefined ? '' : `?${new URLSearchParams({ ...range }).toString()}`;

export class Levers {
  readonly #url: string;
  #token: string;

  constructor(url: string, token = '123') {
    this.#url = url;
    this.#token = token;
  }

  /** From now on this client uses the new token too. */
  async setToken(token: string): Promise<void> {
    await this.#call('PUT', '/admin/configurations/token', { token });
    this.#token = token;
  }

  async setDelay(delayMs: number): Promise<void> {
    await this.#call('PUT', '/admin/configurations/delay', { delay: delayMs });
  }

  async setFailing(failing: boolean): Promise<void> {
    await this.#call('PUT', '/admin/configurations/failure', { failure: failing });
  }

  async setFault(fault: Partial<Fault> & Pick<Fault, 'kind'>): Promise<void> {
    await this.#call('PUT', '/admin/configurations/fault', fault);
  }

  async fault(): Promise<Fault> {
    return (await this.#call('GET', '/admin/configurations/fault')) as Fault;
  }

  async purge(): Promise<void> {
    await this.#call('POST', '/admin/purge-payments');
  }

  /** Both ends of the range belong to it; without a range it covers everything. */
  async summary(range?: Range): Promise<Summary> {
    return (await this.#call('GET', `/admin/payments-summary${queryOf(range)}`)) as Summary;
  }

  async payments(range?: Range): Promise<ListedPayment[]> {
    return (await this.#call('GET', `/admin/payments${queryOf(range)}`)) as ListedPayment[];
  }

  async attempts(): Promise<Attempts & { readonly busy: Busy }> {
    return (await this.#call('GET', '/admin/attempts')) as Attempts & { readonly busy: Busy };
  }

  async #call(method: string, path: string, body?: object): Promise<unknown> {
    const answer = await fetch(this.#url + path, {
      method,
      headers: { 'x-rinha-token': this.#token, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`);
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  }
}
