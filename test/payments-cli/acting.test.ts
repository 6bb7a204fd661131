// Retry, send and give up: what is asked of the server, and what is said of its answer.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test, type TestContext } from 'node:test';
import { ended } from '../../tools/system/tethered.ts';
import { payments, PAYMENTS } from './command.ts';
import { stubAdmin, type Asked, type StubAdmin, type Told } from './stub-admin.ts';

const idOf = (number: number): string =>
  `4a7901b8-7d26-4d9d-aa19-${String(number).padStart(12, '0')}`;
const ID = idOf(1);
const HELD = { correlationId: ID, state: 'set aside', amountCents: 1990, instance: 0, attempts: 2 };
const SETTLED = { correlationId: ID, state: 'settled', amountCents: 1990, processor: 'default' };
const ACCEPTED_AT = '2026-01-02T03:04:05.678Z';

const done = (result: string): Told => ({ body: { result } });
const conflict = (reason: string, field?: string): Told => ({
  status: 409,
  body: { error: 'conflict', reason, ...(field === undefined ? {} : { field }) },
});

const answersOf =
  (payment: unknown, told: Told) =>
  ({ method }: Asked): Told =>
    method === 'POST' ? told : { body: payment };

const orders = ({ asked }: StubAdmin): readonly (readonly [string, unknown])[] =>
  asked
    .filter(({ method }) => method === 'POST')
    .map(({ url, body }) => [url, JSON.parse(body)] as const);

test('retry sends who and why, and prints the results in their order', async (context) => {
  const stub = await stubAdmin(context, ({ url }) => done(`tried ${url.slice(-7, -6)}`));
  const words = ['retry', idOf(2), idOf(1), '--admin', stub.path, '--actor', 'ana'];
  const { code, out, err } = await payments(words);
  assert.deepEqual([code, err], [0, '']);
  assert.deepEqual(orders(stub), [
    [`/payments/${idOf(2)}/retry`, { actor: 'ana', reason: 'none given' }],
    [`/payments/${idOf(1)}/retry`, { actor: 'ana', reason: 'none given' }],
  ]);
  assert.equal(stub.asked[0]?.headers['content-type'], 'application/json');
  assert.deepEqual(out.trimEnd().split('\n'), [
    `${idOf(2)}: done: tried 2`,
    `${idOf(1)}: done: tried 1`,
    'done 2, planned 0, gone 0, not done 0',
  ]);
});

test('what is not done is on stderr with its reason, and ends the command with 1', async (context) => {
  const answers: readonly (readonly [Told, string])[] = [
    [conflict('an attempt is under way'), 'not done: an attempt is under way'],
    [{ status: 404, body: { error: 'not found' } }, 'gone: nobody has seen it'],
    [
      { status: 503, body: { error: 'unavailable', reason: 'the ledger is away' } },
      'not done: the ledger is away',
    ],
    [{ status: 405, body: { error: 'method not allowed' } }, 'not done: method not allowed (405)'],
  ];
  for (const [told, says] of answers) {
    const { path } = await stubAdmin(context, () => told);
    const { code, out, err } = await payments(['retry', ID, '--admin', path]);
    assert.deepEqual([code, out, err], [1, '', `${ID}: ${says}\n`]);
  }
});

test('a word that the server refuses ends the command with 2', async (context) => {
  const { path } = await stubAdmin(context, () => ({
    status: 400,
    body: { error: 'bad request', field: 'reason', reason: 'must be shorter' },
  }));
  const { code, err } = await payments(['retry', ID, '--admin', path, '--reason', 'x']);
  assert.deepEqual([code, err], [2, 'not done: reason must be shorter\n']);
});

test('what will be done later is done, as far as the command goes', async (context) => {
  const later = { status: 202, body: { result: 'once the ledger answers' } };
  const { path } = await stubAdmin(context, () => later);
  const { code, out } = await payments(['retry', ID, '--admin', path]);
  assert.deepEqual([code, out], [0, `${ID}: planned: once the ledger answers\n`]);
});

test('send names the processor; the actor is who typed it, also behind sudo', async (context) => {
  const stub = await stubAdmin(context, () => done('it was sent'));
  const words = ['send', ID, '--to', 'fallback', '--reason', ' its operator said so '];
  const environment = { ADMIN_LISTEN: stub.path, ADMIN_TOKEN: 'secret', SUDO_USER: 'ana' };
  const { code, out } = await payments([...words, '--json'], environment);
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(out), { correlationId: ID, ending: 'done', text: 'it was sent' });
  const order = { actor: 'ana', reason: 'its operator said so', processor: 'fallback' };
  assert.deepEqual(orders(stub), [[`/payments/${ID}/send`, order]]);
  assert.equal(stub.asked[0]?.headers.authorization, 'Bearer secret');
});

test('a server without the levers is not taken for one that has not seen the payment', async (context) => {
  const missing = { status: 404, body: { error: 'not found' } };
  const { path } = await stubAdmin(context, answersOf(HELD, missing));
  const { code, err } = await payments(['retry', ID, '--admin', path]);
  assert.equal(code, 1);
  assert.equal(err, `${ID}: not done: not found (404): is the server of an older version?\n`);
});

const HELD_ANSWERS = (told: (number: number) => Told, unreachable: readonly number[] = []) => {
  const ids = [1, 2, 3].map(idOf);
  return ({ method, url }: Asked): Told => {
    const number = ids.findIndex((id) => url.includes(id)) + 1;
    if (method === 'POST') return told(number);
    if (number > 0) return { body: SETTLED };
    const listed = ids.map((correlationId) => ({ ...HELD, correlationId }));
    return { body: { payments: listed, counts: { 'set aside': 5 }, unreachable } };
  };
};

test('retry --all goes through the list, counts, and says what is left', async (context) => {
  const settled = conflict('it is settled already');
  const stub = await stubAdmin(
    context,
    HELD_ANSWERS((number) => (number === 2 ? settled : done('tried'))),
  );
  const words = ['retry', '--all', '--state', 'set aside', '--limit', '3', '--admin', stub.path];
  const { code, out, err } = await payments(words);
  assert.equal(code, 0);
  assert.equal(stub.asked[0]?.url, '/payments?limit=3&state=set%20aside');
  assert.match(err, /: gone: it is settled already\n$/);
  assert.match(out, /^done 2, planned 0, gone 1, not done 0$/m);
  assert.match(out, /^2 more are set aside: run it again/m);
  const { out: json } = await payments([...words, '--json']);
  const { done: doneCount, gone: goneCount, more } = JSON.parse(json) as Record<string, unknown>;
  assert.deepEqual([doneCount, goneCount, more], [2, 1, 2]);
});

test('retry --all ends with 1 if an instance is away, or one is not done', async (context) => {
  const words = ['retry', '--all', '--state', 'set aside', '--admin'];
  const away = await stubAdmin(
    context,
    HELD_ANSWERS(() => done('tried'), [1]),
  );
  const partly = await payments([...words, away.path]);
  assert.equal(partly.code, 1);
  assert.match(partly.err, /instance 1 did not answer: what it holds was not tried/);
  const unavailable = { status: 503, body: { error: 'unavailable', reason: 'busy' } };
  const busy = await stubAdmin(
    context,
    HELD_ANSWERS((number) => (number === 3 ? unavailable : done('tried'))),
  );
  assert.equal((await payments([...words, busy.path])).code, 1);
});

test('retry --all stops when the server is gone, and says what was not tried', async (context) => {
  const answers = HELD_ANSWERS(() => done('tried'));
  const stub = await stubAdmin(context, (asked, response) => {
    if (!asked.url.includes(idOf(2))) return answers(asked);
    response.destroy();
    return undefined;
  });
  const words = ['retry', '--all', '--state', 'set aside', '--admin', stub.path];
  const { code, out, err } = await payments(words);
  assert.equal(code, 1);
  assert.match(err, /it may have been done all the same/);
  assert.match(out, /^done 1, planned 0, gone 0, not done 0, not known 1, not tried 1$/m);
});

const GIVE_UP = ['give-up', ID, '--reason', 'the payer cancelled', '--actor', 'ana'];

test('give-up without a terminal needs --yes', async (context) => {
  const stub = await stubAdmin(context, answersOf(HELD, done('it is given up')));
  const refused = await payments([...GIVE_UP, '--admin', stub.path]);
  assert.equal(refused.code, 2);
  assert.match(refused.err, /a script says --yes/);
  assert.deepEqual(stub.asked, []);
  const { code, out } = await payments([...GIVE_UP, '--admin', stub.path, '--yes']);
  assert.deepEqual([code, out], [0, `${ID}: done: it is given up\n`]);
  const order = { actor: 'ana', reason: 'the payer cancelled' };
  assert.deepEqual(orders(stub), [[`/payments/${ID}/give-up`, order]]);
});

test('give-up of what a processor may hold names the option, which says so', async (context) => {
  const refusal = conflict('a processor may have charged it', 'mayBeCharged');
  const stub = await stubAdmin(context, ({ body }) =>
    body.includes('"mayBeCharged":true') ? done('it is given up') : refusal,
  );
  const words = [...GIVE_UP, '--admin', stub.path, '--yes'];
  const refused = await payments(words);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /may have charged it \(--may-be-charged\)$/m);
  assert.equal((await payments([...words, '--may-be-charged'])).code, 0);
});

/** On a terminal of its own, where `typed` is typed once the question stands there. */
async function onTerminal(
  context: TestContext,
  stub: StubAdmin,
  typed: string,
): Promise<readonly [code: number | NodeJS.Signals, screen: string]> {
  const words = [process.execPath, PAYMENTS, ...GIVE_UP, '--admin', stub.path];
  const command = words.map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null']);
  context.after(() => child.kill('SIGKILL'));
  let screen = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const wasAsked = screen.includes('Type "yes"');
    screen += chunk.toString();
    if (!wasAsked && screen.includes('Type "yes"')) child.stdin.write(typed);
  });
  return [await ended(child), screen];
}

test('on a terminal give-up shows the payment and waits for "yes"', async (context) => {
  const payment = { ...HELD, acceptedAt: ACCEPTED_AT };
  const stub = await stubAdmin(context, answersOf(payment, done('it is given up')));
  for (const no of ['y\r', '\r', '\u0004', '\u0003']) {
    const [code, screen] = await onTerminal(context, stub, no);
    assert.equal(code, 1, screen);
    assert.match(screen, /amount +19\.90/);
    assert.match(screen, /not done: no "yes"/);
  }
  assert.deepEqual(orders(stub), []);
  const [code, screen] = await onTerminal(context, stub, 'yes\r');
  assert.equal(code, 0, screen);
  assert.match(screen, /done: it is given up/);
  assert.equal(orders(stub).length, 1);
});

test('on a terminal a payment that is not held is not asked about', async (context) => {
  const stub = await stubAdmin(context, answersOf(SETTLED, done('?')));
  const [code, screen] = await onTerminal(context, stub, 'yes\r');
  assert.equal(code, 1);
  assert.match(screen, /not done: it is settled/);
  assert.deepEqual(orders(stub), []);
});
