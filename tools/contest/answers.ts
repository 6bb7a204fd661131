// The answers to payments, in words.

import { CLIENT_TIMEOUT_MS } from './plan.ts';
import { MAYBE } from './run-log.ts';

/** Those that don't explain themselves; of k6's codes those that a load test meets. */
const WORDS: Readonly<Record<string, string>> = {
  [MAYBE]: 'HTTP 503, may have been taken',
  '0:1050': `no answer in ${CLIENT_TIMEOUT_MS / 1_000} s`,
  '0:1211': 'connection timed out',
  '0:1212': 'connection refused',
  '0:1220': 'connection broken',
};

/** `answer` as in a PaymentSample. */
export const answerText = (answer: string): string =>
  WORDS[answer] ?? (answer.startsWith('0:') ? `k6's error ${answer.slice(2)}` : `HTTP ${answer}`);
