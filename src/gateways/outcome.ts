// What became of an attempt. There are three outcomes, never two; `duplicate` is the processor's way of saying
// "charged, with the values I took first", which still have to be read.

export type Outcome =
  /** The processor holds it with the values that were sent. */
  | 'charged'
  /** The processor holds this id since an earlier attempt, perhaps with other values. */
  | 'duplicate'
  /** Nothing of this attempt is or will be stored there. */
  | 'declined'
  /** The same, because the processor has too much at once. */
  | 'busy'
  /** The same, because of the payment, or because we are not welcome there: a 4xx doesn't tell which. */
  | 'refused'
  /** It may be stored, or may yet be. */
  | 'unknown';

/** What an attempt came to, and what the processor said to it. */
export interface Answered {
  readonly outcome: Outcome;
  /** 0 when no whole answer came. */
  readonly status: number;
  /**
   * The beginning of the answer's text, or why there is none, made safe for a log; '' when it is
   * charged.
   */
  readonly said: string;
}

/** Without an answer; `said` is why. */
export const unanswered = (outcome: Outcome, said = ''): Answered => ({ outcome, status: 0, said });

/** Shared: most payments are charged, and nothing is allocated for that. */
export const CHARGED: Answered = { outcome: 'charged', status: 200, said: '' };

const SAID_CHARACTERS_MAX = 200;

/**
 * The beginning of `text` on one line, without what a terminal or a reader of logs would take for
 * more than text.
 */
export function excerpt(text: string): string {
  return text
    .slice(0, 2 * SAID_CHARACTERS_MAX)
    .replace(/[\p{C}\p{Z}]+/gu, ' ')
    .trim()
    .slice(0, SAID_CHARACTERS_MAX);
}

/**
 * What may be believed of an answer. 'contest': the contest's processors (published source) answer
 * 500 and 429 before anything is stored. 'strict': a processor that gives no such promise, or that
 * has gateways in front: it may fail after its commit.
 */
export type OutcomeRule = 'contest' | 'strict';

/**
 * The 4xx that are said before any work is done (RFC 9110 and those that extend it). Not among
 * them: 406, which speaks of the answer and may come after the work; 408, 409 and 423, which may
 * speak of an earlier attempt; 424, which speaks of another server's failure; and what is no
 * standard, such as 499 and 460, which a gateway says of a request that it lost.
 */
const SAID_BEFORE_WORK: ReadonlySet<number> = new Set([
  400, 401, 402, 403, 404, 405, 410, 411, 413, 414, 415, 417, 421, 425, 426, 428, 431, 451,
]);

/**
 * The outcome that a complete answer's status proves. A gateway's 502 and 504 speak of a processor
 * that it lost, so they prove nothing; nor does a 2xx other than 200, or a redirect. With 'strict'
 * no 5xx does, and a 200 has to be confirmed by its body.
 */
export function outcomeOfStatus(status: number, rule: OutcomeRule): Outcome {
  if (status === 200) return 'charged';
  if (status === 422) return 'duplicate';
  if (status === 429) return 'busy';
  if (rule === 'strict') return SAID_BEFORE_WORK.has(status) ? 'refused' : 'unknown';
  if (status === 500 || status === 501 || status === 503) return 'declined';
  if (status >= 400 && status < 500 && status !== 408 && status !== 409) return 'refused';
  return 'unknown';
}
