// The backend and the two processors under test, over HTTP. A request that fails is an answer with
// status 0, never an exception; each has a deadline.
import { field, parseJson } from './json-field.ts';
import type { Held } from './audit.ts';
import type { Answer, Pair, Standing } from './totals.ts';
import { standingOf } from './totals.ts';

/** How a processor behaves. */
export interface Lever {
  readonly delayMs: number;
  readonly failing: boolean;
}

export interface Addresses {
  readonly backend: string;
  readonly processors: Pair<string>;
}

const ANSWER_TIMEOUT_MS = 10_000;
const LIST_TIMEOUT_MS = 60_000;

export class Endpoints {
  readonly addresses: Addresses;
  #token: string;

  constructor(addresses: Addresses, token: string) {
    this.addresses = addresses;
    this.#token = token;
  }

  get token(): string {
    return this.#token;
  }

  backendSummary(): Promise<Answer> {
    return this.#ask('GET', `${this.addresses.backend}/payments-summary`);
  }

  purgeBackend(): Promise<Answer> {
    return this.#ask('POST', `${this.addresses.backend}/purge-payments`, {});
  }

  processorSummaries(): Promise<[Answer, Answer]> {
    return this.#both((url) => this.#ask('GET', `${url}/admin/payments-summary`));
  }

  purgeProcessors(): Promise<[Answer, Answer]> {
    return this.#both((url) => this.#ask('POST', `${url}/admin/purge-payments`, {}));
  }

  /** From now on the processors' admin endpoints want `token`. */
  async changeToken(token: string): Promise<[Answer, Answer]> {
    const answers = await this.#both((url) =>
      this.#ask('PUT', `${url}/admin/configurations/token`, { token }),
    );
    this.#token = token;
    return answers;
  }

  async setLevers(lever: Lever): Promise<void> {
    await this.#both(async (url) => {
      const admin = `${url}/admin/configurations`;
      await this.#ask('PUT', `${admin}/delay`, { delay: lever.delayMs });
      await this.#ask('PUT', `${admin}/failure`, { failure: lever.failing });
    });
  }

  async standing(): Promise<Standing> {
    const [backend, processors] = await Promise.all([
      this.backendSummary(),
      this.processorSummaries(),
    ]);
    return standingOf([backend, ...processors]);
  }

  /** All that each processor holds; null when one of them can't list it. */
  async held(): Promise<Pair<readonly Held[]> | null> {
    const [onDefault, onFallback] = await this.#both(async (url) => {
      const answer = await this.#ask('GET', `${url}/admin/payments`, undefined, LIST_TIMEOUT_MS);
      if (answer.status === 404) return null;
      if (answer.status === 200) return heldIn(answer.body ?? '');
      throw new Error(`GET ${url}/admin/payments answered ${answer.status}`);
    });
    return onDefault === null || onFallback === null ? null : [onDefault, onFallback];
  }

  async #both<T>(ask: (url: string) => Promise<T>): Promise<[T, T]> {
    const [onDefault, onFallback] = this.addresses.processors;
    return Promise.all([ask(onDefault), ask(onFallback)]);
  }

  async #ask(
    method: string,
    url: string,
    body?: Readonly<Record<string, unknown>>,
    timeoutMs = ANSWER_TIMEOUT_MS,
  ): Promise<Answer> {
    try {
      const answer = await fetch(url, {
        method,
        headers: { 'Content-Type': 'application/json', 'X-Rinha-Token': this.#token },
        signal: AbortSignal.timeout(timeoutMs),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: answer.status, body: await answer.text() };
    } catch {
      return { status: 0, body: null };
    }
  }
}

function heldIn(text: string): Held[] {
  const list = parseJson(text);
  if (!Array.isArray(list)) throw new Error('GET /admin/payments gave no list');
  return list.map((entry: unknown): Held => {
    const correlationId = field(entry, 'correlationId');
    const amountCents = field(entry, 'amountCents');
    if (typeof correlationId !== 'string' || typeof amountCents !== 'number') {
      throw new Error('GET /admin/payments gave a payment without correlationId or amountCents');
    }
    return { correlationId, amountCents };
  });
}
