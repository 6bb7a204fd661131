// Plays random cases at many connections until the time is over, and looks at each answer.

import assert from 'node:assert/strict';
import type { NetConnectOpts } from 'node:net';
import { AGAIN } from '../buffer/seed.ts';
import type { Case } from './cases.ts';
import { play, type Answer, type Outcome } from './client.ts';

/** FUZZ_SECONDS makes a run longer. */
export const SECONDS = Number(process.env['FUZZ_SECONDS'] ?? 4);
/** For a test: a loaded machine is slow and not wrong. */
export const TIMEOUT = { timeout: SECONDS * 1_000 + 120_000 };
/** However slow the machine is. */
const CASES_MIN = 3_000;
const AT_ONCE = 12;
/** Meant: an unknown method or coding, and another version of HTTP. */
const SERVER_ERRORS: readonly number[] = [501, 505];

export interface Played extends Outcome {
  readonly sent: Case;
  readonly to: NetConnectOpts;
}

export const say = ({ name, bytes }: Case): string =>
  `${name}: ${JSON.stringify(bytes.toString('latin1').slice(0, 1_500))} ${AGAIN}`;

/** Plays what `next` makes at `where` until the time is over, and at least CASES_MIN. */
export async function playAll(next: () => Case, where: () => NetConnectOpts): Promise<Played[]> {
  const played: Played[] = [];
  const end = performance.now() + SECONDS * 1_000;
  const one = async (): Promise<void> => {
    while (performance.now() < end || played.length < CASES_MIN) {
      const sent = next();
      const to = where();
      const outcome = await play(to, sent);
      for (const answer of outcome.answers) isMeant(answer, sent);
      played.push({ sent, to, ...outcome });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  return played;
}

/** Each answer has a meant status, and an error says in JSON what is wrong. */
function isMeant({ status, head, body }: Answer, sent: Case): void {
  if (status < 400) return;
  const about = `${status} ${body} to ${say(sent)}`;
  assert.ok(status < 500 || SERVER_ERRORS.includes(status), about);
  assert.match(head, /\r\nContent-Type: application\/json(\r|$)/i, about);
  assert.equal(status === 405, /\r\nAllow: /i.test(head), about);
  // A HEAD has no body.
  if (body === '' && sent.bytes.includes('HEAD ')) return;
  assert.equal(typeof (JSON.parse(body) as { error: unknown }).error, 'string', about);
}
