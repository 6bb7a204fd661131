// The books of a processor, for a comparison: the sums that it holds, and its list of payments if
// it has one. Both are behind the token of the contest's /admin endpoints.

import { isoTime } from '../iso-time.ts';
import type { Clock } from '../clock.ts';
import { readAddress, type Address } from '../config/processor-address.ts';
import { isId } from '../payment.ts';
import { textOf } from './answer-text.ts';
import { HttpCall, type Answer } from './http-call.ts';
import { excerptOf } from './outcome.ts';
import { numberText, parseObject } from './payment-answer.ts';
import { ProcessorPool } from './processor-pool.ts';

export interface ProcessorBooksParts {
  readonly url: string;
  readonly token: string;
  readonly clock: Clock;
}

/** Milliseconds since the epoch, both ends included. */
interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface ProcessorSum {
  readonly payments: bigint;
  readonly cents: bigint;
}

export interface ListedCharge {
  readonly correlationId: string;
  readonly cents: bigint;
  readonly requestedAtMs: number;
}

/** Everybody knows it. */
export const CONTEST_TOKEN = '123';
/** A sum of many payments takes a processor its time. */
const SUM_MS = 30_000;
const LIST_MS = 30_000;
const LIST_PAGE = 5_000;
const LIST_BYTES_MAX = 4 * 1024 * 1024;
const SUM = /^(\d+)(?:\.(\d+))?(?:[eE]\+?(\d{1,2}))?$/;

export class ProcessorBooks {
  readonly #parts: ProcessorBooksParts;
  readonly #address: Address;
  readonly #pool: ProcessorPool;

  /** @throws if the address can't be used */
  constructor(parts: ProcessorBooksParts) {
    const address = readAddress(parts.url);
    if (typeof address === 'string') throw new Error(`the address of a processor ${address}`);
    const { origin, hostname } = address;
    this.#parts = parts;
    this.#address = address;
    this.#pool = new ProcessorPool({ origin, hostname, connections: 1, clock: parts.clock });
  }

  /** The sum over the range, or the reason why it isn't known. Never rejects. */
  async sum(range: TimeRange): Promise<ProcessorSum | string> {
    const answer = await this.#get('/admin/payments-summary', queryOf(range), SUM_MS);
    const text = answer.status === 200 ? (textOf(answer) ?? '') : '';
    const payments = parseObject(text)?.['totalRequests'];
    const cents = sumCents(numberText(text, 'totalAmount') ?? '');
    if (cents !== undefined && Number.isSafeInteger(payments) && (payments as number) >= 0) {
      return { payments: BigInt(payments as number), cents };
    }
    return this.#failure('GET /admin/payments-summary', answer);
  }

  /**
   * The payments in the range with a higher id than `after`, in order of the id, LIST_PAGE at most;
   * undefined if the processor has no list; otherwise the reason why it can't be read. Never
   * rejects.
   */
  async list(
    range: TimeRange,
    after: string,
  ): Promise<readonly ListedCharge[] | string | undefined> {
    const page = `${queryOf(range)}&after=${after}&limit=${LIST_PAGE}`;
    const answer = await this.#get('/admin/payments', page, LIST_MS);
    if (answer.status === 404 || answer.status === 405) return undefined;
    const list = answer.status === 200 ? listIn(textOf(answer) ?? '') : undefined;
    if (list === undefined) return this.#failure('GET /admin/payments', answer);
    if (isPage(list, after)) return list;
    return `GET /admin/payments answered no page of ${LIST_PAGE} payments in order of the id`;
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  #get(path: string, query: string, timeoutMs: number): Promise<Answer> {
    const { prefix, query: own, authorization } = this.#address;
    const call = new HttpCall(this.#parts.clock, timeoutMs, LIST_BYTES_MAX);
    const headers = ['x-rinha-token', this.#parts.token, 'accept-encoding', 'identity'];
    if (authorization !== undefined) headers.push('authorization', authorization);
    const target = `${prefix}${path}${own === '' ? '?' : `${own}&`}${query}`;
    this.#pool.dispatch({ method: 'GET', path: target, headers, body: null }, call);
    return call.answer;
  }

  #failure(what: string, { status, text }: Answer): string {
    const { token } = this.#parts;
    const secrets = [...this.#address.secrets, ...(token === CONTEST_TOKEN ? [] : [token])];
    const shown = secrets.reduce((left, secret) => left.replaceAll(secret, '***'), text);
    const answered = status === 0 ? 'had no answer' : `answered ${status}`;
    return `${what} ${answered}: ${excerptOf(shown)}`;
  }
}

const queryOf = ({ fromMs, toMs }: TimeRange): string =>
  `from=${new Date(fromMs).toISOString()}&to=${new Date(toMs).toISOString()}`;

/** A sum in cents. A processor that adds floats has more than two places: they are rounded. */
function sumCents(text: string): bigint | undefined {
  const [, whole, fraction = '', exponent = '0'] = SUM.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const power = Number(exponent);
  const places = fraction.padEnd(power + 3, '0');
  const down = BigInt(whole + places.slice(0, power + 2));
  return (places[power + 2] as string) >= '5' ? down + 1n : down;
}

/** A processor that takes no notice of `after` would send the same payments for ever. */
const isPage = (list: readonly ListedCharge[], after: string): boolean =>
  list.length <= LIST_PAGE &&
  list.every(({ correlationId }, at) => correlationId > (list[at - 1]?.correlationId ?? after));

function listIn(text: string): readonly ListedCharge[] | undefined {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(list)) return undefined;
  const charges = list.map((entry: unknown) => chargeIn(entry));
  return charges.every((charge) => charge !== undefined) ? charges : undefined;
}

function chargeIn(entry: unknown): ListedCharge | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined;
  const { correlationId, amountCents, requestedAt } = entry as Record<string, unknown>;
  if (typeof correlationId !== 'string' || !isId(correlationId)) return undefined;
  if (!Number.isSafeInteger(amountCents) || typeof requestedAt !== 'string') return undefined;
  const requestedAtMs = isoTime(requestedAt, 'down');
  if (requestedAtMs === undefined) return undefined;
  return {
    correlationId: correlationId.toLowerCase(),
    cents: BigInt(amountCents as number),
    requestedAtMs,
  };
}
