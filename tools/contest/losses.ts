// Where the money went: from the score of a perfect run down to that of this one, and how far the
// next step of the bonus is.
import type { Pair, Totals } from '../audit/totals.ts';
import { bonusPercent, ceilingOf, scoreOf, type Score } from './score.ts';

export interface Loss {
  readonly what: string;
  /** Below 0 where the run did better than the ceiling assumes. */
  readonly cents: number;
}

interface Step {
  readonly percent: number;
  /** The p99 at which the bonus rounds to this. */
  readonly p99Ms: number;
  readonly scoreCents: number;
}

export interface Bonus {
  /** Before it is rounded to whole percent. */
  readonly exactPercent: number;
  /** The steps beside this run's; null where there is none. */
  readonly better: Step | null;
  readonly worse: Step | null;
}

interface Earned {
  readonly settled: Pair<Totals>;
  readonly accepted: number;
  readonly amountCents: number;
  readonly feeBps: Pair<number>;
  readonly p99Ms: number;
  readonly score: Score;
}

const STEPS_PER_MS = 2;
const NO_BONUS_FROM_MS = 11;
const CEILING_P99_MS = 1.25;
const NOTHING: Totals = { requests: 0, cents: 0 };

/** The losses add up to the ceiling less the score. */
export function lossesOf(run: Earned): Loss[] {
  const { settled, accepted, amountCents, feeBps, p99Ms, score } = run;
  const scoreWith = (split: Pair<Totals>, ms: number): number =>
    scoreOf({
      settled: split,
      feeBps,
      p99Ms: ms,
      inconsistent: false,
      accepted,
      recorded: accepted,
      charged: accepted,
    }).totalCents;
  const [onDefault, onFallback] = settled;
  const together: Totals = {
    requests: onDefault.requests + onFallback.requests,
    cents: onDefault.cents + onFallback.cents,
  };
  const all = ceilingOf(accepted, amountCents, feeBps);
  const settledAtDefault = scoreWith([together, NOTHING], CEILING_P99_MS);
  const asSettled = scoreWith(settled, CEILING_P99_MS);
  const atOwnP99 = scoreWith(settled, p99Ms);
  const fined = atOwnP99 - score.fineCents;
  return [
    { what: 'accepted, and not settled at the end', cents: all - settledAtDefault },
    { what: "the fallback processor's higher fees", cents: settledAtDefault - asSettled },
    { what: 'a p99 above 1.25 ms', cents: asSettled - atOwnP99 },
    { what: 'the fine for a difference', cents: score.fineCents },
    { what: 'the disqualification', cents: fined - score.totalCents },
  ];
}

/** `score` is the run's, with its own p99. */
export function bonusOf(score: Score, p99Ms: number): Bonus {
  const now = bonusPercent(p99Ms);
  const step = (percent: number, atMs: number): Step => ({
    percent,
    p99Ms: atMs,
    scoreCents: score.totalCents + Math.round((score.liquidCents * (percent - now)) / 100),
  });
  // Rounded half up: a step reaches from its bound down to the bound of the next one.
  const boundMs = (percent: number): number => NO_BONUS_FROM_MS - (percent - 0.5) / STEPS_PER_MS;
  const isOut = score.disqualified !== null || !Number.isFinite(p99Ms);
  return {
    exactPercent: Math.max(0, NO_BONUS_FROM_MS - p99Ms) * STEPS_PER_MS,
    better: isOut || boundMs(now + 1) <= 0 ? null : step(now + 1, boundMs(now + 1)),
    worse: isOut || now === 0 ? null : step(now - 1, boundMs(now)),
  };
}
