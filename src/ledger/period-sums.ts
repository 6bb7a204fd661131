// The sums of periods beside the sums of their rows.

import type pg from 'pg';
import type { ProcessorIndex } from '../payment.ts';
import { IN_RANGE, type BookedSum } from './compared-row.ts';
import type { TimeRange } from './reader.ts';
import { PERIOD_START, TIME } from './sql-time.ts';
import { PERIODS, type Period } from './sum-periods.ts';

/** A period of one processor. */
export interface PeriodKey {
  readonly processor: ProcessorIndex;
  readonly period: Period;
  readonly startMs: number;
}

export interface PeriodSum extends PeriodKey {
  /** Of the rows, archived ones too. */
  readonly rows: BookedSum;
  /** In `payment_sums`, with what is not folded yet. */
  readonly summed: BookedSum;
}

const HOUR_S = 3_600;
const DAY_S = 86_400;

// A day's sum whose rows and hours are gone is found by the day's first hour.
const HOURS = `
  SELECT floor(extract(epoch FROM requested_at)::float8 / ${HOUR_S}) AS hour
  FROM payments WHERE ${IN_RANGE}
  UNION
  SELECT floor(extract(epoch FROM requested_at)::float8 / ${HOUR_S})
  FROM archived_payments WHERE ${IN_RANGE}
  UNION
  SELECT floor(extract(epoch FROM starts_at)::float8 / ${HOUR_S})
  FROM payment_sums
  WHERE seconds IN (${PERIODS.join(', ')}) AND starts_at <= ${TIME('$2')}
    AND starts_at > ${TIME('$1')} - make_interval(secs => seconds)
  UNION
  SELECT floor(extract(epoch FROM second)::float8 / ${HOUR_S})
  FROM batch_sums WHERE second <= ${TIME('$2')} AND second > ${TIME('$1')} - interval '1 second'
  ORDER BY hour`;

// One statement sees rows and sums at the same moment. $1 and $2: from and to, in seconds; $3: the
// lengths of the periods.
const COMPARED = `
  WITH period AS (SELECT unnest($3::int[]) AS seconds), counted AS (
    SELECT processor, seconds, ${PERIOD_START('requested_at')} AS start,
           count(*) AS payments, sum(amount_cents) AS cents
    FROM all_payments CROSS JOIN period
    WHERE requested_at >= to_timestamp($1) AND requested_at < to_timestamp($2)
    GROUP BY 1, 2, 3
  ), summed AS (
    SELECT processor, seconds, start, sum(payments) AS payments, sum(amount_cents) AS cents
    FROM (
      SELECT processor, seconds, extract(epoch FROM starts_at)::float8 AS start, payments,
             amount_cents
      FROM payment_sums
      WHERE seconds = ANY ($3) AND starts_at >= to_timestamp($1) AND starts_at < to_timestamp($2)
      UNION ALL
      SELECT processor, seconds, ${PERIOD_START('second')}, payments, amount_cents
      FROM batch_sums CROSS JOIN period
      WHERE second >= to_timestamp($1) AND second < to_timestamp($2)
    ) AS parts
    GROUP BY 1, 2, 3
  )
  SELECT processor, seconds AS period, start,
         coalesce(counted.payments, 0)::text AS payments, coalesce(counted.cents, 0)::text AS cents,
         coalesce(summed.payments, 0)::text AS summed_payments,
         coalesce(summed.cents, 0)::text AS summed_cents
  FROM counted FULL JOIN summed USING (processor, seconds, start)
  ORDER BY seconds, start, processor`;

interface ComparedRow {
  readonly processor: ProcessorIndex;
  readonly period: Period;
  readonly start: number;
  readonly payments: string;
  readonly cents: string;
  readonly summed_payments: string;
  readonly summed_cents: string;
}

export class PeriodSums {
  readonly #client: pg.ClientBase;

  constructor(client: pg.ClientBase) {
    this.#client = client;
  }

  /** The hours (since the epoch) that have rows or sums in the range, in order. */
  async hours({ fromMs, toMs }: TimeRange): Promise<number[]> {
    const { rows } = await this.#client.query<{ hour: number }>(HOURS, [fromMs, toMs]);
    return rows.map(({ hour }) => hour);
  }

  /** Of an hour: its seconds in order, then its minutes, then the hour itself. */
  ofHour(hour: number): Promise<PeriodSum[]> {
    return this.#compare(hour * HOUR_S, (hour + 1) * HOUR_S, [1, 60, HOUR_S]);
  }

  /** Of the day that has this hour. */
  ofDay(hour: number): Promise<PeriodSum[]> {
    const day = Math.floor((hour * HOUR_S) / DAY_S);
    return this.#compare(day * DAY_S, (day + 1) * DAY_S, [DAY_S]);
  }

  async of({ processor, period, startMs }: PeriodKey): Promise<PeriodSum | undefined> {
    const fromS = startMs / 1_000;
    const sums = await this.#compare(fromS, fromS + period, [period]);
    return sums.find((sum) => sum.processor === processor);
  }

  async #compare(fromS: number, toS: number, periods: readonly Period[]): Promise<PeriodSum[]> {
    const { rows } = await this.#client.query<ComparedRow>(COMPARED, [fromS, toS, periods]);
    return rows.map(({ processor, period, start, ...sums }) => ({
      processor,
      period,
      startMs: start * 1_000,
      rows: { payments: BigInt(sums.payments), cents: BigInt(sums.cents) },
      summed: { payments: BigInt(sums.summed_payments), cents: BigInt(sums.summed_cents) },
    }));
  }
}
