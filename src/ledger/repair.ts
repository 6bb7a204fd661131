// Repairs of the ledger: its rows and sums become what the processors hold. Each repair is one
// transaction: the row, its sums, its give-up, and a line in `operator_actions` change together or
// not at all. Repeating a repair changes nothing.

import pg from 'pg';
import { FIRST_ID, type ProcessorIndex } from '../payment.ts';
import { detachedIn, isArchived } from './archive-months.ts';
import { isSameRow, isSameSum, type BookedRow, type BookedSum } from './compared-row.ts';
import { PURGE_LOCK, REPAIR_LOCK, tryLock, tryShare } from './locks.ts';
import { PeriodSums, type PeriodKey } from './period-sums.ts';
import { KEEP_COMMITS, pgParameters } from './session.ts';
import { TIME } from './sql-time.ts';
import { PERIOD_NAMES, wrongSumOf } from './sum-periods.ts';

/** Who repairs, and why: for `operator_actions`. */
export interface RepairNote {
  readonly actor: string;
  readonly reason: string;
}

export interface RowRepair {
  /** The row as it was seen; undefined if there was none. */
  readonly seen: BookedRow | undefined;
  /** The row as it becomes. */
  readonly shall: BookedRow;
  /** What was found, for `operator_actions`. */
  readonly kind: string;
}

/**
 * - changed: the row or sum is not as it was seen any more.
 * - archived: the archive has the row, or had the month of it.
 * - busy: somebody locks it for long.
 */
export type Repaired = 'repaired' | 'changed' | 'archived' | 'busy';

/** Why no repair can be made at all. */
export class RepairRefused extends Error {}

const TIMEOUT_MS = 30_000;
/** A batch writer that queues behind a repair waits no longer than this. */
const LOCK_TIMEOUT = '200ms';
/** A repair that is stopped (Ctrl-Z) or cut off in a transaction holds up batch writers so long. */
const IDLE_TIMEOUT = '2s';
const TRIES = 10;
const BUSY = new Set(['55P03', '40P01']);

const INSERT = `
  INSERT INTO payments (correlation_id, processor, amount_cents, requested_at)
  VALUES ($1, $2, $3, ${TIME('$4')}) ON CONFLICT DO NOTHING`;
const UPDATE = `
  UPDATE payments SET processor = $2, amount_cents = $3, requested_at = ${TIME('$4')}
  WHERE correlation_id = $1 AND processor = $5 AND amount_cents = $6
    AND requested_at = ${TIME('$7')}`;
const ADD_TO_SUMS = `
  INSERT INTO batch_sums (processor, second, payments, amount_cents)
  VALUES ($1, date_trunc('second', ${TIME('$2')}), $3, $4)`;
// Nobody folds until the end of this transaction. Batches are recorded all the while.
const STOP_FOLDING = 'LOCK TABLE payment_sums IN SHARE ROW EXCLUSIVE MODE';
const IN_PERIOD = (time: string): string =>
  `processor = $1 AND ${time} >= ${TIME('$2')}
    AND ${time} < ${TIME('$2')} + make_interval(secs => $3)`;
// The sum becomes that of its rows without those that are still to be folded into it. One statement
// sees all three at the same moment.
const SET_SUM = `
  INSERT INTO payment_sums (processor, starts_at, seconds, payments, amount_cents)
  SELECT $1, ${TIME('$2')}, $3, rows.payments - waiting.payments, rows.cents - waiting.cents
  FROM (
    SELECT count(*) AS payments, coalesce(sum(amount_cents), 0) AS cents
    FROM all_payments WHERE ${IN_PERIOD('requested_at')}
  ) AS rows, (
    SELECT coalesce(sum(payments), 0) AS payments, coalesce(sum(amount_cents), 0) AS cents
    FROM batch_sums WHERE ${IN_PERIOD('second')}
  ) AS waiting
  ON CONFLICT (seconds, starts_at, processor) DO UPDATE
  SET payments = excluded.payments, amount_cents = excluded.amount_cents`;
const END_GIVE_UP = 'DELETE FROM given_up WHERE correlation_id = $1';
const NOTE = `
  INSERT INTO operator_actions (action, correlation_id, actor, reason, details)
  VALUES ('repair', $1, $2, $3, $4)`;
const BEGIN = `
  BEGIN;
  SET LOCAL lock_timeout = '${LOCK_TIMEOUT}';
  SET LOCAL idle_in_transaction_session_timeout = '${IDLE_TIMEOUT}'`;
const CHECK = `
  SELECT ${tryShare(PURGE_LOCK)} AS free,
         coalesce((SELECT id::text FROM ledger), '') || ' ' || pg_relation_filenode('payments')
           AS identity`;

export class LedgerRepair {
  readonly #client: pg.Client;
  readonly #identity: string;
  readonly #note: RepairNote;

  private constructor(client: pg.Client, identity: string, note: RepairNote) {
    this.#client = client;
    this.#identity = identity;
    this.#note = note;
  }

  /**
   * `identity`: of the ledger that was compared. One process repairs at a time.
   * @throws RepairRefused while another process repairs; others when the ledger doesn't answer
   */
  static async open(url: string, identity: string, note: RepairNote): Promise<LedgerRepair> {
    const session = { url, timeoutMs: TIMEOUT_MS, name: 'repasse-repair' };
    const client = new pg.Client(pgParameters(session));
    client.on('error', () => {});
    const repair = new LedgerRepair(client, identity, note);
    try {
      await client.connect();
      await client.query(KEEP_COMMITS);
      const text = `SELECT ${tryLock(REPAIR_LOCK)} AS locked`;
      const { rows } = await client.query<{ locked: boolean }>(text);
      if (rows[0]?.locked !== true)
        throw new RepairRefused('another repair is under way, or rows are archived');
      return repair;
    } catch (error) {
      await repair.close();
      throw error;
    }
  }

  /** Makes the row of a payment as `shall`. @throws RepairRefused, or when the ledger fails */
  row({ seen, shall, kind }: RowRepair): Promise<Repaired> {
    return this.#repeated(async () => {
      const id = shall.correlationId;
      if (await isArchived(this.#client, shall)) return 'archived';
      if (!(await this.#writeRow(seen, shall))) return 'changed';
      for (const [processor, ms, sum] of changesOfSums(seen, shall)) {
        await this.#query(ADD_TO_SUMS, [processor, ms, String(sum.payments), String(sum.cents)]);
      }
      const endsGiveUp = (await this.#query(END_GIVE_UP, [id])).rowCount === 1;
      if (seen !== undefined && isSameRow(seen, shall) && !endsGiveUp) return 'changed';
      const before = seen === undefined ? null : detailsOf(seen);
      await this.#writeNote(id, { kind, before, after: detailsOf(shall), endsGiveUp });
      return 'repaired';
    });
  }

  /** Makes the sum of a period that of its rows. @throws RepairRefused, or when the ledger fails */
  sum(key: PeriodKey, seen: BookedSum): Promise<Repaired> {
    return this.#repeated(async () => {
      await this.#query(STOP_FOLDING);
      const found = await new PeriodSums(this.#client).of(key);
      if (found === undefined || !isSameSum(found.summed, seen)) return 'changed';
      if (isSameSum(found.summed, found.rows)) return 'changed';
      const { processor, period, startMs } = key;
      const range = { fromMs: startMs, toMs: startMs + period * 1_000 - 1 };
      if ((await detachedIn(this.#client, range)).length > 0) return 'archived';
      await this.#query(SET_SUM, [processor, startMs, period]);
      await this.#writeNote(FIRST_ID, {
        kind: wrongSumOf(period),
        processor,
        [PERIOD_NAMES[period]]: new Date(startMs).toISOString(),
        before: textOf(found.summed),
        after: textOf(found.rows),
      });
      return 'repaired';
    });
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => {});
  }

  /** In a transaction; again while somebody else has a lock that it needs. */
  async #repeated(change: () => Promise<Repaired>): Promise<Repaired> {
    for (let tries = 1; ; tries++) {
      try {
        await this.#query(BEGIN);
        await this.#check();
        const result = await change();
        await this.#query(result === 'repaired' ? 'COMMIT' : 'ROLLBACK');
        return result;
      } catch (error) {
        await this.#client.query('ROLLBACK').catch(() => {});
        if (!BUSY.has((error as pg.DatabaseError).code ?? '')) throw error;
        if (tries === TRIES) return 'busy';
      }
    }
  }

  /** A purge can't begin before the end of this transaction, and none was since the comparison. */
  async #check(): Promise<void> {
    const { rows } = await this.#query<{ free: boolean; identity: string }>(CHECK);
    if (rows[0]?.free !== true) throw new RepairRefused('a purge is under way');
    if (rows[0].identity === this.#identity) return;
    throw new RepairRefused('the ledger was emptied, rewritten or replaced: compare again');
  }

  async #writeRow(seen: BookedRow | undefined, shall: BookedRow): Promise<boolean> {
    const { correlationId, processor, cents, requestedAtMs } = shall;
    const values = [correlationId, processor, String(cents), requestedAtMs];
    if (seen === undefined) return (await this.#query(INSERT, values)).rowCount === 1;
    const was = [seen.processor, String(seen.cents), seen.requestedAtMs];
    return (await this.#query(UPDATE, [...values, ...was])).rowCount === 1;
  }

  async #writeNote(id: string, details: object): Promise<void> {
    const { actor, reason } = this.#note;
    await this.#query(NOTE, [id, actor, reason, JSON.stringify(details)]);
  }

  #query<T extends pg.QueryResultRow>(
    text: string,
    values: unknown[] = [],
  ): Promise<pg.QueryResult<T>> {
    // Two statements in one text, as in BEGIN, take no values.
    return values.length === 0 ? this.#client.query<T>(text) : this.#client.query<T>(text, values);
  }
}

const textOf = ({ payments, cents }: BookedSum): object => ({
  payments: String(payments),
  amountCents: String(cents),
});

const detailsOf = ({ processor, cents, requestedAtMs }: BookedRow): object => ({
  processor,
  amountCents: String(cents),
  requestedAt: new Date(requestedAtMs).toISOString(),
});

type SumChange = readonly [ProcessorIndex, number, BookedSum];

const changeBy = (row: BookedRow, sign: 1n | -1n): SumChange => [
  row.processor,
  row.requestedAtMs,
  { payments: sign, cents: sign * row.cents },
];

function changesOfSums(seen: BookedRow | undefined, shall: BookedRow): readonly SumChange[] {
  const added = changeBy(shall, 1n);
  if (seen === undefined) return [added];
  if (isSameRow(seen, shall)) return [];
  return [changeBy(seen, -1n), added];
}
