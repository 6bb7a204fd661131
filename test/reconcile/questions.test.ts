// A processor without a list is asked about each row; its sums show what it holds beyond them. A
// processor that doesn't answer, or answers otherwise, makes no difference that isn't there.

import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import { DatabaseServer } from '../world/database.ts';
import { Books, idOf, kindsIn, NOON, REPAIR, row } from './books-fixture.ts';
import {
  NO_LIST,
  openFront,
  type Instead,
  type ProcessorFront,
  type Rule,
} from './processor-front.ts';

let server: DatabaseServer;
before(async () => {
  server = await DatabaseServer.start();
});
after(() => server.close());

interface Fronted {
  readonly books: Books;
  readonly fronts: readonly [ProcessorFront, ProcessorFront];
}

async function fronted(context: TestContext): Promise<Fronted> {
  const books = await Books.open(server, context);
  const [first, second] = books.processors;
  const fronts = [
    await openFront(first.url, context),
    await openFront(second.url, context),
  ] as const;
  return { books, fronts };
}

const isPayment = (path: string): boolean => path.startsWith('/payments/');
const isSum = (path: string): boolean => path.startsWith('/admin/payments-summary');
const isList = (path: string): boolean => path.startsWith('/admin/payments?');
/** Answers questions about one kind of path like this. */
const instead =
  (matches: (path: string) => boolean, answer: Instead): Rule =>
  (path) =>
    matches(path) ? answer : NO_LIST(path);

test('without a list, rows are asked about and what the processor has more is narrowed to a second', async (context) => {
  const { books, fronts } = await fronted(context);
  await books.settle(...Array.from({ length: 50 }, (_, n) => row(n + 1, n % 2 === 0 ? 0 : 1)));
  await books.record(row(100));
  await books.charge(row(200, 1, 333, NOON + 3_723_456));
  const { code, printed, output } = await books.reconcileThrough(fronts);
  assert.equal(code, 1, output);
  assert.equal(printed?.looked.rows, 51);
  const [missing, unexplained] = printed.differences;
  assert.equal(missing?.kind, 'missing at the processor');
  assert.equal(missing?.correlationId, idOf(100));
  assert.equal(unexplained?.kind, 'unexplained difference of sums');
  assert.equal(unexplained?.at, 'fallback');
  assert.equal(unexplained['from'], '2025-07-15T13:02:03.000Z');
  assert.equal(unexplained['to'], '2025-07-15T13:02:03.999Z');
  assert.deepEqual(unexplained['leftOver'], { payments: '1', amountCents: '333' });
  assert.equal(printed.differences.length, 2, 'the sum of the missing payment is explained');
});

test('--both finds what both processors hold', async (context) => {
  const { books, fronts } = await fronted(context);
  await books.settle(row(1), row(2, 1), row(3));
  await books.charge(row(3, 1, 1990, NOON + 3));
  const { printed } = await books.reconcileThrough(fronts, '--both');
  assert.equal(kindsIn(printed)[idOf(3)], 'at both processors');
  assert.equal(printed?.differences.length, 1, 'which explains the sum');
});

const WRONG: readonly (readonly [string, Instead])[] = [
  ['a page instead of a 404', { status: 404, body: '<html>not found</html>' }],
  ['a 500', { status: 500, body: '{"error":"broken"}' }],
  ['another payment', { status: 200, body: `{"correlationId":"${idOf(9)}","amount":1}` }],
  ['a 429', { status: 429, body: '' }],
];

for (const [what, answer] of WRONG) {
  test(`${what} for a payment is no difference, and ends with 3`, async (context) => {
    const { books, fronts } = await fronted(context);
    await books.settle(row(1), row(2), row(3, 1));
    fronts[0].rule = instead(isPayment, answer);
    const { code, printed, output } = await books.reconcileThrough(fronts, ...REPAIR);
    assert.equal(code, 3, output);
    assert.deepEqual(printed?.differences, []);
    assert.match(printed?.notCompared.join() ?? '', /2 payments are not known.*default: GET/);
    assert.equal(printed?.looked.rows, 3, 'the other processor was compared');
  });
}

test('a processor that hangs is not asked about each row, and the rest is compared', async (context) => {
  const { books, fronts } = await fronted(context);
  const rows = Array.from({ length: 400 }, (_, n) => row(n + 1, n < 200 ? 0 : 1));
  await books.settle(...rows);
  fronts[0].rule = instead(isPayment, 'nothing');
  const { code, printed, output } = await books.reconcileThrough(fronts, '--rate', '1000');
  assert.equal(code, 3, output);
  assert.deepEqual(printed?.differences, []);
  assert.match(printed?.notCompared.join() ?? '', /questions were not asked \(default: .*in time/);
  assert.ok(fronts[0].paths.length < 100, String(fronts[0].paths.length));
});

test('sums that are refused or can not be read end with 3, and rows are compared', async (context) => {
  const { books, fronts } = await fronted(context);
  await books.settle(row(1), row(2, 1));
  await books.record(row(3));
  fronts[0].rule = instead(isSum, { status: 401, body: '' });
  fronts[1].rule = instead(isSum, { status: 200, body: '{"totalRequests":"many"}' });
  const { code, printed } = await books.reconcileThrough(fronts);
  assert.equal(code, 3);
  assert.match(printed?.notCompared.join() ?? '', /default: .*401.*fallback: .*many/);
  assert.deepEqual(kindsIn(printed), { [idOf(3)]: 'missing at the processor' });
});

test('a row that another processor may hold too is not recorded while that one is silent', async (context) => {
  const { books, fronts } = await fronted(context);
  await books.charge(row(1));
  fronts[0].rule = () => 'pass';
  fronts[1].rule = instead(isPayment, { status: 500, body: '' });
  const { code, printed } = await books.reconcileThrough(fronts, ...REPAIR);
  assert.equal(code, 1);
  assert.equal(printed?.differences[0]?.isRepairable, false);
  assert.deepEqual(await books.query('SELECT * FROM payments'), []);
});

test('a list that can not be paged is no list, and the rows are asked about', async (context) => {
  const { books, fronts } = await fronted(context);
  await books.settle(row(1), row(2, 1));
  const all = [1, 3].map((n) => {
    return { correlationId: idOf(n), amountCents: 1990, requestedAt: new Date(NOON).toISOString() };
  });
  // Whatever `after` says, it sends everything.
  fronts[0].rule = instead(isList, { status: 200, body: JSON.stringify(all) });
  const { code, printed, output } = await books.reconcileThrough(fronts);
  assert.equal(code, 0, output);
  assert.match(printed?.notes.join() ?? '', /default: GET \/admin\/payments answered no page/);
  assert.equal(printed?.looked.rows, 2);
});

test('a payment that was given up is asked about at both processors, and a silent one leaves it open', async (context) => {
  const { books, fronts } = await fronted(context);
  await books.query(
    `INSERT INTO given_up (correlation_id, amount_cents, may_be_charged)
     VALUES ('${idOf(1)}', 1990, true), ('${idOf(2)}', 1990, false)`,
  );
  fronts[1].rule = instead(isPayment, { status: 500, body: '' });
  const open = await books.reconcileThrough(fronts, ...REPAIR);
  assert.equal(open.code, 3, open.output);
  assert.match(open.printed?.notCompared.join() ?? '', /1 payments are not known/);
  assert.ok(fronts[0].paths.includes(`/payments/${idOf(1)}`));
  fronts[1].rule = NO_LIST;
  assert.equal((await books.reconcileThrough(fronts)).code, 0, 'neither processor holds it');
  assert.equal((await books.query('SELECT * FROM given_up')).length, 2);
});

test('a ledger that does not answer ends with 3, and a wrong word or setting with 2', async (context) => {
  const { books } = await fronted(context);
  const away = { databaseUrl: 'postgres://nobody@127.0.0.1:1/none', processors: books.processors };
  const { environmentOf, reconcile } = await import('./books-fixture.ts');
  const ended = await reconcile(environmentOf(away));
  assert.equal(ended.code, 3);
  assert.match(ended.output, /not finished: .*127\.0\.0\.1/);
  const wrong: readonly (readonly [RegExp, ...string[]])[] = [
    [/--from/, '--from', 'yesterday'],
    [/--from/, '--from', ''],
    [/--from is after --to/, '--from', '2025-01-02', '--to', '2025-01-01'],
    [/--rate/, '--rate', '0'],
    [/--margin/, '--margin', '-1'],
    [/--actor/, '--repair', '--reason', 'x'],
    [/--reason/, '--repair', '--actor', 'x', '--reason', ' '],
    [/--repair/, '--actor', 'x'],
    [/sums/, '--sums', '--repair', '--actor', 'x', '--reason', 'y'],
    [/nonsense/, 'nonsense'],
  ];
  for (const [message, ...words] of wrong) {
    const { code, output } = await reconcile(environmentOf(books), ...words);
    assert.equal(code, 2, `${words.join(' ')}: ${output}`);
    assert.match(output, message);
  }
  const { code, output } = await reconcile({ ...environmentOf(books), PROCESSOR_DEFAULT_URL: 'x' });
  assert.equal(code, 2);
  assert.match(output, /PROCESSOR_DEFAULT_URL/);
});
