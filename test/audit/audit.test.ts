import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../src/clock.ts';
import { systemClock } from '../../src/clock.ts';
import type { Held, Sent } from '../../tools/audit/audit.ts';
import { auditOf, faultsOf } from '../../tools/audit/audit.ts';
import type { Books } from '../../tools/audit/drain.ts';
import { auditWhenDrained } from '../../tools/audit/drain.ts';
import type { Pair, Standing, Totals } from '../../tools/audit/totals.ts';

const CENTS = 1_990;
const hold = (...ids: string[]): Held[] =>
  ids.map((correlationId) => ({ correlationId, amountCents: CENTS }));
const sent = (accepted: string[], unknown: string[] = []): Sent => ({
  accepted: new Set(accepted),
  unknown: new Set(unknown),
  amountCents: CENTS,
});
const totalsOf = (held: readonly Held[]): Totals => ({
  requests: held.length,
  cents: held.reduce((sum, { amountCents }) => sum + amountCents, 0),
});
const agreed = ([onDefault, onFallback]: Pair<readonly Held[]>): Standing => {
  const totals = [totalsOf(onDefault), totalsOf(onFallback)] as const;
  return { backend: totals, processors: totals };
};
const audit = (what: Sent, held: Pair<readonly Held[]>) => auditOf(what, held, agreed(held));

test('books hold when each accepted id is at exactly one processor', () => {
  assert.deepEqual(faultsOf(audit(sent(['a', 'b', 'c']), [hold('a', 'c'), hold('b')])), []);
});

test('an accepted id at no processor is lost', () => {
  const found = audit(sent(['a', 'b']), [hold('a'), []]);
  assert.deepEqual(found.lost, ['b']);
  assert.equal(faultsOf(found).length, 2);
});

test('an id at both processors, or twice at one, is charged twice', () => {
  assert.deepEqual(audit(sent(['a', 'b']), [hold('a', 'b'), hold('b')]).twice, ['b']);
  assert.deepEqual(audit(sent(['a', 'b']), [hold('a', 'b', 'b'), []]).twice, ['b']);
});

test('an id that was never accepted is a stranger, whatever its case', () => {
  assert.deepEqual(audit(sent(['a']), [hold('A', 'X'), []]).strangers, ['x']);
});

test('an amount that is a cent off is found', () => {
  const found = audit(sent(['a']), [[{ correlationId: 'a', amountCents: CENTS + 1 }], []]);
  assert.deepEqual(found.wrongAmount, ['a']);
});

test('a payment without an answer may be charged or not, but not twice', () => {
  assert.deepEqual(faultsOf(audit(sent(['a'], ['u']), [hold('a'), []])), []);
  assert.deepEqual(faultsOf(audit(sent(['a'], ['u']), [hold('a'), hold('u')])), []);
  assert.deepEqual(audit(sent(['a'], ['u']), [hold('a', 'u'), hold('u')]).twice, ['u']);
});

const stopped = (unlogged: number): Sent => ({ ...sent(['a']), unlogged });

test('a sender that was stopped may have left as many payments unwritten as it had under way', () => {
  assert.deepEqual(faultsOf(audit(stopped(2), [hold('a', 'x'), hold('y')])), []);
  assert.deepEqual(audit(stopped(1), [hold('a', 'x'), hold('y')]).strangers, ['x', 'y']);
  assert.deepEqual(audit(stopped(2), [hold('a', 'x'), hold('x')]).twice, ['x']);
  const dear = [{ correlationId: 'x', amountCents: CENTS + 1 }];
  assert.deepEqual(audit(stopped(1), [hold('a'), dear]).wrongAmount, ['x']);
});

test('a backend that counts otherwise than a processor is told of by name', () => {
  const held = [hold('a'), hold('b')] as const;
  const { processors } = agreed(held);
  const ahead = [totalsOf(held[0]), { requests: 2, cents: 2 * CENTS }] as const;
  const found = auditOf(sent(['a', 'b']), held, { backend: ahead, processors });
  assert.equal(found.books.length, 1);
  assert.match(found.books[0] ?? '', /^fallback: the backend says 2 payments/);
});

test('the same counts on the wrong side differ', () => {
  const held = [hold('a'), []] as const;
  const { processors } = agreed(held);
  const swapped = [totalsOf([]), totalsOf(held[0])] as const;
  assert.equal(auditOf(sent(['a']), held, { backend: swapped, processors }).books.length, 2);
});

test('without lists only the totals are compared, and they find a lost payment', () => {
  const found = auditOf(sent(['a', 'b']), null, agreed([hold('a'), []]));
  assert.equal(found.byId, false);
  assert.deepEqual(found.lost, []);
  assert.equal(faultsOf(found).length, 1);
});

test('a summary that cannot be read is a fault', () => {
  const nothing: Standing = { backend: null, processors: null };
  assert.equal(auditOf(sent([]), [[], []], nothing).books.length, 2);
});

/** Time passes only by waiting. */
function leapingClock(): Clock {
  let nowMs = 0;
  return {
    ...systemClock,
    now: () => nowMs,
    elapsed: () => nowMs,
    after(delayMs, callback) {
      nowMs += delayMs;
      queueMicrotask(callback);
      return { cancel: () => undefined };
    },
  };
}

/** Settles one more of `ids` at each look, and the last `stuck` ones never. */
function draining(ids: readonly string[], stuck: number): Books & { looks: number } {
  const held = (looks: number): Pair<readonly Held[]> => [
    hold(...ids.slice(0, Math.min(looks, ids.length - stuck))),
    [],
  ];
  return {
    looks: 0,
    standing() {
      this.looks++;
      return Promise.resolve(agreed(held(this.looks)));
    },
    held() {
      return Promise.resolve(held(this.looks));
    },
  };
}

const LIMITS = { drainMs: 120_000, quietMs: 20_000, lateMs: 0, pollMs: 500 };

test('the audit waits for the last accepted payment to be settled', async () => {
  const ids = Array.from({ length: 50 }, (_, i) => `id-${i}`);
  const books = draining(ids, 0);
  const { audit: found, tookMs } = await auditWhenDrained(books, sent(ids), LIMITS, leapingClock());
  assert.deepEqual(faultsOf(found), []);
  assert.equal(books.looks, 50);
  assert.equal(tookMs, 49 * 500);
});

test('with unknown payments settled first it still waits for the accepted ones', async () => {
  const ids = ['u', 'v', 'a', 'b'];
  const books = draining(ids, 0);
  const what = sent(['a', 'b'], ['u', 'v']);
  const { audit: found } = await auditWhenDrained(books, what, LIMITS, leapingClock());
  assert.deepEqual(faultsOf(found), []);
  assert.equal(books.looks, 4);
});

test('a charge that wakes up late is still seen', async () => {
  const before = [hold('a', 'b'), []] as const;
  const after = [hold('a', 'b'), hold('b')] as const;
  let looks = 0;
  const now = () => (looks > 4 ? after : before);
  const books: Books = {
    standing() {
      looks++;
      const { processors } = agreed(now());
      return Promise.resolve({ backend: agreed(before).backend, processors });
    },
    held: () => Promise.resolve(now()),
  };
  const limits = { ...LIMITS, lateMs: 6_000 };
  const { audit: found } = await auditWhenDrained(books, sent(['a', 'b']), limits, leapingClock());
  assert.deepEqual(found.twice, ['b']);
});

test('it gives up once nothing has moved for long, and says what is lost', async () => {
  const ids = ['a', 'b', 'c'];
  const books = draining(ids, 1);
  const { audit: found, tookMs } = await auditWhenDrained(books, sent(ids), LIMITS, leapingClock());
  assert.deepEqual(found.lost, ['c']);
  assert.equal(tookMs, 500 + LIMITS.quietMs);
});

test('it ends at the bound even while payments trickle in', async () => {
  const ids = Array.from({ length: 1_000 }, (_, i) => `id-${i}`);
  const books = draining(ids, 0);
  const { audit: found, tookMs } = await auditWhenDrained(books, sent(ids), LIMITS, leapingClock());
  assert.equal(tookMs, LIMITS.drainMs);
  assert.equal(found.lost.length, 1_000 - 241);
});
