// The outcome of an attempt, and what an answer's status proves. There are three kinds: charged,
// declined (with `busy` and `refused`) and unknown. `duplicate` is a 422: the processor holds the
// id, perhaps with other values, which have to be read back.

export type Outcome =
  /** The processor holds the payment with the values that were sent. */
  | 'charged'
  /** The processor says that it holds the id from an earlier attempt, perhaps with other values. */
  | 'duplicate'
  /** The processor stores nothing of this attempt, now or later. */
  | 'declined'
  /** Declined because the processor has too many requests at once. */
  | 'busy'
  /**
   * Declined with a 4xx, because of the payment or because of us: the status doesn't tell which.
   */
  | 'refused'
  /** The processor may have stored the payment, or may still store it. */
  | 'unknown';

/** The outcome of an attempt, and the answer that shows it. */
export interface AttemptResult {
  readonly outcome: Outcome;
  /** 0 if no whole answer came. */
  readonly status: number;
  /** An excerpt of the answer's text, or the reason why no answer came; '' for 'charged'. */
  readonly excerpt: string;
}

/** The result of an attempt without an answer; `excerpt` is the reason. */
export const withoutAnswer = (outcome: Outcome, excerpt = ''): AttemptResult => ({
  outcome,
  status: 0,
  excerpt,
});

/** Shared, so that a charge allocates no result. */
export const CHARGED: AttemptResult = { outcome: 'charged', status: 200, excerpt: '' };

const EXCERPT_CHARACTERS_MAX = 200;

/**
 * The beginning of `text` on one line, without control characters, so that a log can contain it.
 */
export function excerptOf(text: string): string {
  return text
    .slice(0, 2 * EXCERPT_CHARACTERS_MAX)
    .replace(/[\p{C}\p{Z}]+/gu, ' ')
    .trim()
    .slice(0, EXCERPT_CHARACTERS_MAX);
}

/**
 * What an answer proves. 'contest': the contest's processors (published source) answer 500 and 429
 * before they store anything. 'strict': for a processor without such a promise, or behind gateways,
 * which may fail after its commit.
 */
export type OutcomeRule = 'contest' | 'strict';

/**
 * The 4xx that a server sends before it does any work (RFC 9110 and its extensions). Excluded are:
 * 406, which concerns the answer and may come after the work; 408, 409 and 423, which may concern
 * an earlier attempt; 424, which concerns another server's failure; and statuses of no standard,
 * such as 499 and 460, which a gateway sends for a request that it lost.
 */
const REFUSED_BEFORE_WORK: ReadonlySet<number> = new Set([
  400, 401, 402, 403, 404, 405, 410, 411, 413, 414, 415, 417, 421, 425, 426, 428, 431, 451,
]);

/**
 * The outcome that the status of a whole answer proves. A gateway sends 502 and 504 when it loses
 * the processor, so they prove nothing; nor does a 2xx other than 200, or a redirect. Under
 * 'strict' no 5xx proves anything, and the caller must check that the body of a 200 confirms the
 * charge.
 */
export function outcomeOfStatus(status: number, rule: OutcomeRule): Outcome {
  if (status === 200) return 'charged';
  if (status === 422) return 'duplicate';
  if (status === 429) return 'busy';
  if (rule === 'strict') return REFUSED_BEFORE_WORK.has(status) ? 'refused' : 'unknown';
  if (status === 500 || status === 501 || status === 503) return 'declined';
  if (status >= 400 && status < 500 && status !== 408 && status !== 409) return 'refused';
  return 'unknown';
}
