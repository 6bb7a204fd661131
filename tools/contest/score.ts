// The contest's score in integer cents: what a run earned, and what it could have earned.
import type { Pair, Totals } from '../audit/totals.ts';

export interface ScoreInput {
  /** What counts as earned, per processor. */
  readonly settled: Pair<Totals>;
  readonly feeBps: Pair<number>;
  /** Over all successful requests; Infinity when there was none. */
  readonly p99Ms: number;
  /** Whether the checker ever saw a difference. */
  readonly inconsistent: boolean;
  /** Payments answered with 2xx. */
  readonly accepted: number;
  /** In all: by the backend's summary, and by the processors'. */
  readonly recorded: number;
  readonly charged: number;
}

export interface Score {
  /** 0 when disqualified. */
  readonly totalCents: number;
  readonly disqualified: string | null;
  readonly amountCents: number;
  readonly feeCents: number;
  readonly liquidCents: number;
  readonly bonusPercent: number;
  readonly bonusCents: number;
  readonly fineCents: number;
}

const FINE_PERCENT = 35;
/** From this p99 on there is no bonus; each ms below it adds a bonus. */
const BONUS_BELOW_MS = 11;
const BONUS_PERCENT_PER_MS = 2;
/** The best that anybody has reached. */
const CEILING_P99_MS = 1.25;

/** The factor max(0, (11 − p99) × 0.02) rounded to two decimals, half up, as whole percent. */
export function bonusPercent(p99Ms: number): number {
  return Math.round(Math.max(0, BONUS_BELOW_MS - p99Ms) * BONUS_PERCENT_PER_MS);
}

/** Rounded half up; exact, because the products are far below 2^53. */
const share = (cents: number, parts: number, of: number): number =>
  Math.floor((2 * cents * parts + of) / (2 * of));

const feeOf = (totals: Totals, bps: number): number => share(totals.cents, bps, 10_000);

function disqualification({ accepted, recorded, charged }: ScoreInput): string | null {
  if (charged > accepted) return `${charged} payments charged, ${accepted} accepted`;
  if (recorded > accepted) return `${recorded} payments recorded, ${accepted} accepted`;
  return null;
}

export function scoreOf(input: ScoreInput): Score {
  const [onDefault, onFallback] = input.settled;
  const amountCents = onDefault.cents + onFallback.cents;
  const feeCents = feeOf(onDefault, input.feeBps[0]) + feeOf(onFallback, input.feeBps[1]);
  const liquidCents = amountCents - feeCents;
  const percent = bonusPercent(input.p99Ms);
  const bonusCents = share(liquidCents, percent, 100);
  const fineCents = input.inconsistent ? share(liquidCents, FINE_PERCENT, 100) : 0;
  const disqualified = disqualification(input);
  return {
    totalCents: disqualified === null ? liquidCents + bonusCents - fineCents : 0,
    disqualified,
    amountCents,
    feeCents,
    liquidCents,
    bonusPercent: percent,
    bonusCents,
    fineCents,
  };
}

/** The score had all `accepted` payments been settled by the default processor, without a fine. */
export function ceilingOf(
  accepted: number,
  amountCents: number,
  feeBps: Pair<number>,
  p99Ms = CEILING_P99_MS,
): number {
  const all: Totals = { requests: accepted, cents: accepted * amountCents };
  const none: Totals = { requests: 0, cents: 0 };
  return scoreOf({
    settled: [all, none],
    feeBps,
    p99Ms,
    inconsistent: false,
    accepted,
    recorded: accepted,
    charged: accepted,
  }).totalCents;
}
