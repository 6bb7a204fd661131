// Acts on payments: tries them, sends them, or gives them up, and says what came of it.

import { reasonOf, type AdminClient, type Answer } from './admin-client.ts';
import { confirmed } from './confirming.ts';
import { Failure } from './failure.ts';
import { heldPayments } from './listing.ts';
import { safeJson, textOf, type Entry } from './printed.ts';
import { say, warn } from './say.ts';
import type { Words } from './words.ts';

/**
 * planned: it will be done. gone: no instance holds it, since it is settled or given up, or nobody
 * has seen it. stopped: no answer came.
 */
type Ending = 'done' | 'planned' | 'gone' | 'not done' | 'stopped';

interface Outcome {
  readonly correlationId: string;
  readonly ending: Ending;
  readonly text: string;
}

type Action = 'retry' | 'send' | 'give-up';

/** Of a retry: it moves no money that would not be moved anyway. */
const NO_REASON = 'none given';

export async function retry(client: AdminClient, words: Words): Promise<0 | 1> {
  if (words.all) return retryAll(client, words);
  const outcomes = await actOnAll(client, words.ids, words);
  if (words.json) say(safeJson({ results: outcomes, ...countsOf(outcomes, words.ids.length) }));
  else if (words.ids.length > 1) sayCounts(outcomes, words.ids.length);
  return outcomes.length === words.ids.length && outcomes.every(isDone) ? 0 : 1;
}

/** A payment that is gone meanwhile counts as done. */
async function retryAll(client: AdminClient, words: Words): Promise<0 | 1> {
  const { state = '', limit, json } = words;
  const { payments, counts, unreachable } = await heldPayments(client, limit, state);
  const ids = payments.map(({ correlationId }) => String(correlationId));
  const outcomes = await actOnAll(client, ids, words);
  const more = Math.max(0, Number(counts[state] ?? 0) - ids.length);
  if (json) {
    const sums = countsOf(outcomes, ids.length);
    say(safeJson({ results: outcomes, ...sums, more, unreachable }));
  } else {
    if (ids.length === 0) say(`no payments ${state}`);
    else sayCounts(outcomes, ids.length);
    if (more > 0) say(`${more} more are ${state}: run it again, or with a higher --limit`);
  }
  for (const instance of unreachable) {
    warn(`instance ${textOf(instance)} did not answer: what it holds was not tried`);
  }
  const isAll = outcomes.length === ids.length && unreachable.length === 0;
  return isAll && outcomes.every((one) => isDone(one) || one.ending === 'gone') ? 0 : 1;
}

export async function send(client: AdminClient, words: Words): Promise<0 | 1> {
  return actOnOne(client, words, { processor: words.to });
}

export async function giveUp(client: AdminClient, words: Words): Promise<0 | 1> {
  if (!words.yes && !(await confirmed(client, words))) throw new Failure('not done: no "yes"');
  return actOnOne(client, words, words.mayBeCharged ? { mayBeCharged: true } : {});
}

async function actOnOne(client: AdminClient, words: Words, more: Entry): Promise<0 | 1> {
  const [outcome] = await actOnAll(client, [words.id], words, more);
  if (words.json) say(safeJson(outcome));
  return outcome !== undefined && isDone(outcome) ? 0 : 1;
}

const isDone = ({ ending }: Outcome): boolean => ending === 'done' || ending === 'planned';

/** One after the other, until the server can't be asked. Each outcome is printed at once. */
async function actOnAll(
  client: AdminClient,
  ids: readonly string[],
  { command, actor, reason, json }: Words,
  more: Entry = {},
): Promise<Outcome[]> {
  const order = { actor, reason: reason === '' ? NO_REASON : reason, ...more };
  const outcomes: Outcome[] = [];
  for (const id of ids) {
    const outcome = await act(client, command as Action, { id, order });
    outcomes.push(outcome);
    const { ending, text } = outcome;
    if (!isDone(outcome))
      warn(`${textOf(id)}: ${ending === 'gone' ? ending : 'not done'}: ${text}`);
    else if (!json) say(`${textOf(id)}: ${ending}: ${text}`);
    if (ending === 'stopped') break;
  }
  return outcomes;
}

async function act(
  client: AdminClient,
  action: Action,
  { id, order }: { readonly id: string; readonly order: Entry },
): Promise<Outcome> {
  try {
    const answer = await client.post(`/payments/${encodeURIComponent(id)}/${action}`, order);
    const isMoved = answer.status === 404 || answer.status === 409;
    const where = isMoved ? await client.payment(id) : undefined;
    return { correlationId: id, ...endingOf(answer, where) };
  } catch (error) {
    if (!(error instanceof Failure) || error.exitCode === 2) throw error;
    return { correlationId: id, ending: 'stopped', text: error.message };
  }
}

/** `where`: what the server says of a payment that it has not acted on. */
function endingOf(answer: Answer, where?: Answer): Pick<Outcome, 'ending' | 'text'> {
  const { status, body } = answer;
  if (status === 200) return { ending: 'done', text: textOf(body['result']) };
  if (status === 202) return { ending: 'planned', text: textOf(body['result']) };
  const reason = reasonOf(answer);
  if (status === 400) throw new Failure(`not done: ${reason}`, 2);
  if (where?.status === 404) return { ending: 'gone', text: 'nobody has seen it' };
  const state = where?.body['state'];
  if (state === 'settled' || state === 'given up') {
    return { ending: 'gone', text: `it is ${state} already` };
  }
  if (status === 404) {
    return { ending: 'not done', text: `${reason}: is the server of an older version?` };
  }
  const option = body['field'] === 'mayBeCharged' ? ' (--may-be-charged)' : '';
  return { ending: 'not done', text: `${reason}${option}` };
}

const ENDINGS: readonly Ending[] = ['done', 'planned', 'gone', 'not done'];

function countsOf(outcomes: readonly Outcome[], asked: number): Readonly<Record<string, number>> {
  const count = (ending: Ending): number => outcomes.filter((one) => one.ending === ending).length;
  const [done, planned, gone, notDone] = ENDINGS.map(count) as [number, number, number, number];
  return {
    done,
    planned,
    gone,
    notDone,
    notKnown: count('stopped'),
    notTried: asked - outcomes.length,
  };
}

function sayCounts(outcomes: readonly Outcome[], asked: number): void {
  const { done, planned, gone, notDone, notKnown, notTried } = countsOf(outcomes, asked);
  const further = notKnown === 0 ? '' : `, not known ${notKnown}, not tried ${notTried}`;
  say(`done ${done}, planned ${planned}, gone ${gone}, not done ${notDone}${further}`);
}
