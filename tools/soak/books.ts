// The audit of a soak, id by id, with some bytes for each payment: which payment an id belongs to
// follows from the id itself (payment-series.ts), so nothing is looked up by text.

import pg from 'pg';
import { unsettled, wrongSums } from '../../test/world/books.ts';
import { waitUntil } from '../../test/world/wait-until.ts';
import type { World } from '../../test/world/world.ts';
import { PROCESSORS, type ProcessorIndex } from '../../src/payment.ts';
import { ACCEPTED, paymentOf } from './payment-series.ts';

export interface Sent {
  readonly seed: number;
  /** One byte for each payment, as the generator wrote it. */
  readonly outcomes: Uint8Array;
  /** When the first one was sent. */
  readonly sinceMs: number;
}

/** Where a payment is: one bit for each processor, and for each processor's row in the ledger. */
const CHARGED = [1, 2] as const;
const RECORDED = [4, 8] as const;
const TWICE = CHARGED[0] | CHARGED[1];

const LISTED_MAX = 20;
const PAGE_ROWS = 20_000;
/** Of `requestedAt`: what a processor lists at once. */
const PAGE_MS = 60_000;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

const ROWS = `
  SELECT correlation_id::text AS id, processor, amount_cents::float8 AS cents,
         round(extract(epoch FROM requested_at) * 1000)::float8 AS ms
  FROM payments WHERE correlation_id > $1 ORDER BY correlation_id LIMIT ${PAGE_ROWS}`;

interface Entry {
  readonly id: string;
  readonly processor: ProcessorIndex;
  readonly cents: number;
  readonly ms: number;
}

class Books {
  readonly differences: string[] = [];
  readonly #sent: Sent;
  readonly #places: Uint8Array;
  readonly #chargedMs: Float64Array;
  readonly #recordedMs: Float64Array;

  constructor(sent: Sent) {
    const count = sent.outcomes.length;
    this.#sent = sent;
    this.#places = new Uint8Array(count);
    this.#chargedMs = new Float64Array(count);
    this.#recordedMs = new Float64Array(count);
  }

  charged(entry: Entry): void {
    this.#enter(entry, CHARGED[entry.processor], this.#chargedMs);
  }

  recorded(entry: Entry): void {
    this.#enter(entry, RECORDED[entry.processor], this.#recordedMs);
  }

  /** Of each payment, once all is entered. */
  compare(): void {
    for (const [n, place] of this.#places.entries()) {
      const charged = place & TWICE;
      if (charged === TWICE) this.#say(n, 'is charged twice');
      else if (charged === 0 && this.#sent.outcomes[n] === ACCEPTED) {
        this.#say(n, 'was accepted and is charged nowhere');
      } else if (place >> 2 !== charged || this.#chargedMs[n] !== this.#recordedMs[n]) {
        this.#say(n, 'the ledger says something else than the processors');
      }
    }
  }

  #enter({ id, cents, ms }: Entry, place: number, times: Float64Array): void {
    const n = Number.parseInt(id.slice(0, 8), 16);
    const payment = n < this.#places.length ? paymentOf(this.#sent.seed, n) : undefined;
    if (payment?.id !== id) this.differences.push(`${id} was never sent`);
    else if (payment.cents !== cents) this.#say(n, `has ${cents} cents, not ${payment.cents}`);
    else {
      if (((this.#places[n] as number) & place) !== 0) this.#say(n, 'stands there twice');
      this.#places[n] = (this.#places[n] as number) | place;
      times[n] = ms;
    }
  }

  #say(n: number, what: string): void {
    this.differences.push(`${paymentOf(this.#sent.seed, n).id} ${what}`);
  }
}

/** Waits until all is settled. @throws Error that lists what differs */
export async function auditSoak(world: World, sent: Sent, withinMs: number): Promise<void> {
  const isSettled = async (): Promise<boolean> => (await unsettled(world)).length === 0;
  await waitUntil('all is settled', isSettled, { withinMs, everyMs: 500 });
  const books = new Books(sent);
  for (const processor of PROCESSORS) await readCharges(world, books, processor, sent.sinceMs);
  await readRows(world, books);
  books.compare();
  const differences = [...books.differences, ...(await wrongSums(world))];
  if (differences.length === 0) return;
  const listed = differences.slice(0, LISTED_MAX).join('\n  ');
  throw new Error(`the books disagree in ${differences.length} places:\n  ${listed}`);
}

async function readCharges(
  { processors }: World,
  books: Books,
  processor: ProcessorIndex,
  sinceMs: number,
): Promise<void> {
  const { levers } = processors[processor];
  let listed = 0;
  for (let fromMs = sinceMs; fromMs <= Date.now(); fromMs += PAGE_MS) {
    const from = new Date(fromMs).toISOString();
    const to = new Date(fromMs + PAGE_MS - 1).toISOString();
    for (const { correlationId, amountCents, requestedAt } of await levers.payments({ from, to })) {
      listed++;
      const ms = Date.parse(requestedAt);
      books.charged({ id: correlationId, processor, cents: amountCents, ms });
    }
  }
  const { totalRequests } = await levers.summary();
  if (listed !== totalRequests) {
    books.differences.push(`a processor lists ${listed} payments, and sums up ${totalRequests}`);
  }
}

async function readRows({ databaseUrl }: World, books: Books): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    for (let after: string | undefined = FIRST_ID; after !== undefined;) {
      const { rows }: pg.QueryResult<Entry> = await client.query<Entry>(ROWS, [after]);
      for (const row of rows) books.recorded(row);
      after = rows.at(-1)?.id;
    }
  } finally {
    await client.end();
  }
}
