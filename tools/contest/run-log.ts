// Reads what k6-script.js wrote, line by line, and what each answer means for its payment.
import { field, parseJson } from '../audit/json-field.ts';
import type { Answer, Standing } from '../audit/totals.ts';
import { standingOf } from '../audit/totals.ts';

export type Verdict = 'accepted' | 'refused' | 'unknown';

export interface PaymentSample {
  readonly id: string;
  readonly sentAtMs: number;
  readonly durationMs: number;
  /**
   * The HTTP status; "0:" and k6's error code when there was none; "503:maybe" for a 503 that says
   * that the payment may have been taken.
   */
  readonly answer: string;
  readonly verdict: Verdict;
}

interface Check {
  readonly atMs: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly standing: Standing;
}

interface StageSet {
  readonly atMs: number;
  readonly stage: number;
  /** Of the four settings: default's delay and failure, then fallback's. */
  readonly statuses: readonly number[];
}

export interface RunLog {
  readonly payments: readonly PaymentSample[];
  readonly checks: readonly Check[];
  readonly stages: readonly StageSet[];
  /** Read after the last answer; null when the run didn't come to its end. */
  readonly end: Standing | null;
}

export const MAYBE = '503:maybe';

/**
 * 4xx and 503 say that the payment was not accepted. A missing answer leaves that open, and so does
 * another 5xx: a proxy answers so when it loses an instance, which may have the payment.
 */
export function verdictOf(answer: string): Verdict {
  if (answer === MAYBE) return 'unknown';
  const status = Number.parseInt(answer, 10);
  if (status >= 200 && status < 300) return 'accepted';
  return (status >= 400 && status < 500) || status === 503 ? 'refused' : 'unknown';
}

const numberIn = (value: unknown, name: string): number => {
  const found = field(value, name);
  if (typeof found !== 'number') throw new Error(`the run's log has a line without "${name}"`);
  return found;
};

const listIn = (value: unknown, name: string): readonly unknown[] => {
  const found = field(value, name);
  if (!Array.isArray(found)) throw new Error(`the run's log has a line without "${name}"`);
  return found as readonly unknown[];
};

function standingIn(value: unknown): Standing {
  const answers = listIn(value, 'answers').map((answer): Answer => {
    const body = field(answer, 'body');
    return { status: numberIn(answer, 'status'), body: typeof body === 'string' ? body : null };
  });
  const [backend, onDefault, onFallback] = answers;
  if (backend === undefined || onDefault === undefined || onFallback === undefined) {
    throw new Error("the run's log has a line with fewer than three answers");
  }
  return standingOf([backend, onDefault, onFallback]);
}

export function paymentIn(line: string): PaymentSample {
  const [, sentAt, duration, answer, id] = line.split(' ');
  if (answer === undefined || id === undefined) throw new Error(`not a payment: ${line}`);
  return {
    id,
    sentAtMs: Number(sentAt),
    durationMs: Number(duration),
    answer,
    verdict: verdictOf(answer),
  };
}

export function readRunLog(text: string): RunLog {
  const payments: PaymentSample[] = [];
  const checks: Check[] = [];
  const stages: StageSet[] = [];
  let end: Standing | null = null;
  for (const line of text.split('\n')) {
    const value = line.startsWith('P ') ? undefined : parseJson(line.slice(2));
    switch (line.slice(0, 2)) {
      case 'P ':
        payments.push(paymentIn(line));
        break;
      case 'C ':
        checks.push({
          atMs: numberIn(value, 'at'),
          fromMs: numberIn(value, 'fromMs'),
          toMs: numberIn(value, 'toMs'),
          standing: standingIn(value),
        });
        break;
      case 'S ':
        stages.push({
          atMs: numberIn(value, 'at'),
          stage: numberIn(value, 'stage'),
          statuses: listIn(value, 'statuses').map(Number),
        });
        break;
      case 'E ':
        end = standingIn(value);
        break;
      default:
        if (line.trim() !== '') throw new Error(`the run's log has an unknown line: ${line}`);
    }
  }
  return { payments, checks, stages, end };
}
