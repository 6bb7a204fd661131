// Lists of held payments, anomalies and actions, and one payment.

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { payments } from './command.ts';
import { stubAdmin, type Asked, type StubAdmin, type Told } from './stub-admin.ts';

const idOf = (number: number): string =>
  `4a7901b8-7d26-4d9d-aa19-${String(number).padStart(12, '0')}`;
const ago = (seconds: number): string => new Date(Date.now() - seconds * 1_000).toISOString();

const ASIDE = {
  correlationId: idOf(1),
  state: 'set aside',
  amountCents: 1990,
  acceptedAt: ago(200),
  instance: 0,
  attempts: 2,
  lastAnswer: { processor: 'default', outcome: 'declined', status: 500 },
};
const UNKNOWN = {
  correlationId: idOf(2),
  state: 'at a processor',
  amountCents: 9_999_999_999_999,
  processor: 'fallback',
  requestedAt: ago(4),
  acceptedAt: ago(5),
  instance: 1,
  attempts: 1,
  unknown: true,
  lastAnswer: { processor: 'fallback', outcome: 'unknown', status: 0 },
};
const YOUNG = { ...ASIDE, correlationId: idOf(3), state: 'queued', acceptedAt: ago(0) };
const COUNTS = { queued: 12, 'at a processor': 1, 'set aside': 1, 'in doubt': 0 };
const ANOMALY = {
  correlationId: idOf(1),
  kind: 'recorded with other values',
  accepted: {},
  charged: { processor: 'default', amountCents: 1990, requestedAt: '2026-01-02T03:04:05.678Z' },
  recorded: { processor: 'default', amountCents: 1991, requestedAt: '2026-01-02T03:04:05.678Z' },
  instance: 1,
  foundAt: '2026-01-02T03:04:06.000Z',
};
const ACTION = {
  action: 'send',
  correlationId: idOf(1),
  actor: 'ana',
  reason: 'the default processor refuses this payer, and its operator confirmed on the phone that',
  doneAt: '2026-01-02T03:05:06.000Z',
  details: { state: 'set aside', amountCents: 1990, to: 'fallback' },
};

const HELD = { payments: [ASIDE, UNKNOWN, YOUNG], counts: COUNTS, unreachable: [] };

function answersOf(held: unknown, payment: Told): (asked: Asked) => Told {
  return ({ url }) => {
    if (url.startsWith('/payments?')) return { body: held };
    if (url.startsWith('/payments/')) return payment;
    if (url.startsWith('/anomalies?')) return { body: { anomalies: [ANOMALY] } };
    if (url.startsWith('/actions?')) return { body: { actions: [ACTION] } };
    return { status: 404, body: { error: 'not found' } };
  };
}

const stub = (context: TestContext, held: unknown = HELD): Promise<StubAdmin> =>
  stubAdmin(context, answersOf(held, { body: ASIDE }));

function fits(text: string): void {
  for (const line of text.split('\n')) assert.ok(line.length <= 80, line);
}

test('held payments are a table of 80 columns, with their counts above it', async (context) => {
  const { path, asked } = await stub(context);
  const { code, out, err } = await payments(['list', '--admin', path]);
  assert.deepEqual([code, err], [0, '']);
  assert.equal(asked[0]?.url, '/payments?limit=100');
  fits(out);
  const [counts, , titles, moreTitles, first, more] = out.split('\n');
  assert.equal(counts, 'held: queued 12, at a processor 1, set aside 1');
  assert.match(titles ?? '', /^id {36}state +amount +processor$/);
  assert.match(moreTitles ?? '', /^ {4} *age +attempts +last answer +instance$/);
  assert.match(first ?? '', new RegExp(`^${idOf(1)}  set aside +19\\.90  -$`));
  assert.match(more ?? '', /^ +3 min +2 +declined 500 \(default\) +0$/);
  assert.match(out, /outcome unknown {2}99999999999\.99 {2}fallback\n +5 s .*unknown \(fallback\)/);
});

test('a wide terminal has a line for each payment', async (context) => {
  const { path } = await stub(context);
  const { out } = await payments(['list'], { ADMIN_LISTEN: path, COLUMNS: '150' });
  assert.equal(out.trimEnd().split('\n').length, 6);
});

test('--state and --limit are asked of the server; instances that are away are named', async (context) => {
  const { path, asked } = await stub(context, { payments: [], counts: COUNTS, unreachable: [1] });
  const words = ['list', '--admin', path, '--state', 'set aside', '--limit', '7'];
  const { code, out, err } = await payments(words);
  assert.equal(code, 1);
  assert.equal(asked[0]?.url, '/payments?limit=7&state=set%20aside');
  assert.equal(err, 'instance 1 did not answer: what it holds is missing here\n');
  assert.match(out, /^no payments set aside$/m);
});

test('stuck names an instance that answers one of its questions, and not the next', async (context) => {
  const { path } = await stubAdmin(context, ({ url }) => ({
    body: { payments: [], counts: COUNTS, unreachable: url.includes('doubt') ? [0] : [] },
  }));
  const { code, out, err } = await payments(['stuck', '--admin', path, '--json']);
  assert.equal(code, 1);
  assert.deepEqual((JSON.parse(out) as typeof HELD).unreachable, [0]);
  assert.match(err, /^instance 0 did not answer/);
});

test('stuck lists what is set aside, unknown, in doubt, or older than 10 s', async (context) => {
  const old = { ...YOUNG, correlationId: idOf(4), acceptedAt: ago(60) };
  const doubtful = { ...YOUNG, correlationId: idOf(5), state: 'in doubt' };
  const all = [YOUNG, doubtful, UNKNOWN, old, ASIDE];
  const { path } = await stub(context, { payments: all, counts: COUNTS, unreachable: [] });
  const { out } = await payments(['stuck', '--admin', path, '--json']);
  const { payments: listed } = JSON.parse(out) as { payments: { correlationId: string }[] };
  assert.deepEqual(
    listed.map(({ correlationId }) => correlationId),
    [1, 4, 2, 5].map(idOf),
  );
  const cut = await payments(['stuck', '--admin', path, '--limit', '2']);
  assert.match(cut.out, /^the oldest 2 of 4:$/m);
});

test('what others wrote can not control the terminal, in text and in JSON', async (context) => {
  const evil = '\u001b]0;owned\u0007\u009b2J\u202eab\r\n';
  const payment = { ...ASIDE, correlationId: evil, state: evil, processor: evil };
  const counts = { [evil]: 1 };
  const { path } = await stub(context, { payments: [payment], counts, unreachable: [evil] });
  for (const more of [[], ['--json']]) {
    const { out, err } = await payments(['list', '--admin', path, ...more]);
    assert.match(err, /^instance \\u\{1b\}/);
    assert.doesNotMatch((out + err).replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
    if (more.length > 0) assert.equal((JSON.parse(out) as typeof HELD).payments[0]?.state, evil);
  }
});

test('anomalies and actions are tables; long texts are wrapped', async (context) => {
  const { path, asked } = await stub(context);
  const anomalies = await payments(['anomalies', '--admin', path, '--limit', '3']);
  const actions = await payments(['actions', '--admin', path]);
  assert.deepEqual(
    asked.map(({ url }) => url),
    ['/anomalies?limit=3', '/actions?limit=100'],
  );
  fits(anomalies.out + actions.out);
  assert.match(anomalies.out, /recorded with other values/);
  assert.match(anomalies.out, /default, 19\.91, requestedAt 2026-01-02T03:04:05\.678Z/);
  assert.match(actions.out, new RegExp(`^${idOf(1)}  send +2026-01-02T03:05:06\\.000Z  ana`, 'm'));
  assert.match(actions.out, /confirmed on the\n +phone that$/m);
  assert.match(actions.out, /set aside, 19\.90, to fallback/);
});

test('show has all of a payment, with its anomalies and actions', async (context) => {
  const { path, asked } = await stub(context);
  const { code, out } = await payments(['show', idOf(1).toUpperCase(), '--admin', path]);
  assert.equal(code, 0);
  assert.equal(asked[0]?.url, `/payments/${idOf(1)}`);
  assert.match(out, /^amount +19\.90$/m);
  assert.match(out, /^accepted at +\S+Z \(3 min ago\)$/m);
  assert.match(out, /^last answer +declined 500 \(default\)$/m);
  assert.match(out, /\nanomalies:\n[^]*\nactions:\n/);
  const other = await payments(['show', idOf(9), '--admin', path, '--json']);
  assert.deepEqual((JSON.parse(other.out) as { actions: unknown }).actions, []);
});

test('show of a payment that nobody has seen ends with 1, and shows what was done', async (context) => {
  const unseen = { status: 404, body: { error: 'not found' } };
  const { path } = await stubAdmin(context, answersOf(HELD, unseen));
  const { code, out, err } = await payments(['show', idOf(1), '--admin', path]);
  assert.equal(code, 1);
  assert.match(err, /^nobody has seen /);
  assert.match(out, /actions:/);
});

test('show says why a payment can not be found now', async (context) => {
  const away = {
    status: 503,
    body: { error: 'unavailable', reason: 'another instance does not answer' },
  };
  const { path } = await stubAdmin(context, ({ url }) =>
    url.startsWith('/actions') ? { body: { actions: [] } } : away,
  );
  const { code, err, out } = await payments(['show', idOf(1), '--admin', path]);
  assert.equal(code, 1);
  assert.match(err, /can not be said: another instance does not answer/);
  assert.match(err, /anomalies can not be read: .*another instance does not answer/);
  assert.match(out, /no actions/);
});
