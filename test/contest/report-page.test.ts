// The page of a run: its numbers are the result's, it asks for nothing, and nothing breaks it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { comparePage } from '../../tools/contest/page/compare-page.ts';
import { reportPage } from '../../tools/contest/page/report-page.ts';
import { rowsOf } from '../../tools/contest/difference.ts';
import { milliseconds, money, printedOf } from '../../tools/contest/printed.ts';
import { recordedRun, type Sent, type Tale } from './recorded-run.ts';

const SENT = fc.array(
  fc.record({
    answer: fc.constantFrom('202', '202', '202', '202', '503', '503:maybe', '504', '0:1050'),
    durationMs: fc.double({ min: 0.05, max: 1_500, noNaN: true }),
  }),
  { maxLength: 400 },
);
const TALE = fc.record({
  atFallbackPercent: fc.integer({ min: 0, max: 100 }),
  unsettled: fc.integer({ min: 0, max: 20 }),
  hasSamples: fc.boolean(),
});
const good = (count: number): Sent[] =>
  Array.from({ length: count }, (_, index) => ({ answer: '202', durationMs: 1 + (index % 7) }));

/** What a reader sees: without tags. */
const textOf = (page: string): string =>
  page.replace(/<style>[^]*?<\/style>/, '').replace(/<[^>]*>/g, ' ');

function assertAsksForNothing(page: string): void {
  assert.doesNotMatch(page, /<(?:script|link|img|iframe|object|base|form|use|image)\b/i);
  assert.doesNotMatch(page, /\b(?:src|href|srcset|action|on[a-z]+)\s*=/i);
  assert.doesNotMatch(page, /url\(|@import/);
}

const cells = (row: string, tag: string): string[] =>
  [...row.matchAll(new RegExp(`<${tag}[^>]*>([^<]*)</${tag}>`, 'g'))].map(([, cell]) => cell ?? '');

/** The rows of each table of numbers, by the names of its columns. */
function tablesIn(page: string): { head: string[]; rows: string[][] }[] {
  return [...page.matchAll(/<table>[^]*?<\/table>/g)].map(([table]) => ({
    head: cells(table, 'th'),
    rows: [...table.matchAll(/<tr>[^]*?<\/tr>/g)].slice(1).map(([row]) => cells(row, 'td')),
  }));
}

const numberIn = (cell: string | undefined): number | null =>
  cell === '–' || cell === undefined ? null : Number(cell.replaceAll(',', ''));

test('the numbers of the page are those of the result, whatever happened in the run', () => {
  fc.assert(
    fc.property(SENT, TALE, (sent: readonly Sent[], tale: Tale) => {
      const result = recordedRun(sent, tale);
      const page = reportPage(result);
      const text = textOf(page);
      assertAsksForNothing(page);
      assert.doesNotMatch(text, /NaN|Infinity|undefined|\[object/);
      const { score, latency, verdicts, losses, series } = result;
      for (const cents of [score.totalCents, score.liquidCents, score.feeCents]) {
        assert.ok(text.includes(money(cents)), `${cents}`);
      }
      for (const { cents } of losses) assert.ok(text.includes(money(Math.abs(cents))), `${cents}`);
      assert.ok(text.includes(`${milliseconds(latency.all.p99Ms)} ms`));
      assert.ok(text.includes(`${verdicts.refused} refused, ${verdicts.unknown} unknown`));
      const latencies = tablesIn(page).find(({ head }) => head.includes('p99'));
      assert.equal(latencies?.rows.length ?? 0, series.windows.length);
      for (const [index, { p50Ms, p99Ms }] of series.windows.entries()) {
        const [, p50, , p99] = latencies?.rows[index] ?? [];
        const isNear = (cell: string | undefined, value: number | null): boolean => {
          const read = numberIn(cell);
          return value === null || read === null
            ? read === value
            : Math.abs(read - value) <= (value < 10 ? 0.0051 : 0.51);
        };
        assert.ok(isNear(p50, p50Ms) && isNear(p99, p99Ms), `window ${index}`);
      }
    }),
    { seed: 20_251_124, numRuns: 60 },
  );
});

test('what the run met is escaped, on both pages', () => {
  const evil = `"><script>alert('x')</script>&`;
  const context = {
    name: evil,
    warnings: [evil],
    surroundings: { ...recordedRun([]).surroundings, cpu: evil, settings: { POLICY: evil } },
  };
  const result = recordedRun([...good(20), { answer: evil, durationMs: 2 }], { context });
  const rows = rowsOf(result, result, []);
  const pages = [reportPage(result), comparePage({ a: result, b: result, rows, mismatch: evil })];
  for (const page of pages) {
    assertAsksForNothing(page.replaceAll('&quot;&gt;&lt;script&gt;', ''));
    assert.ok(page.includes('&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;'));
  }
});

test('the page says how far the next step of the bonus is', () => {
  const result = recordedRun(
    Array.from({ length: 50 }, () => ({ answer: '202', durationMs: 3.4 })),
  );
  // (11 − 3.40) × 2 = 15.2; 16 % begins at 3.25 ms.
  assert.match(textOf(reportPage(result)), /bonus 15\.2 %, 0\.15 ms less gives 16 %/);
});

test('the page and the terminal say in words what was answered', () => {
  const answers = ['202', '0:1050', '0:1212', '0:1999', '503', '503:maybe'];
  const result = recordedRun(answers.map((answer) => ({ answer, durationMs: 2 })));
  const words = [
    'no answer in 1.5 s',
    'connection refused',
    "k6's error 1999",
    'HTTP 503',
    'HTTP 503, may have been taken',
  ];
  const page = textOf(reportPage(result)).replaceAll('&#39;', "'");
  const printed = printedOf(result, '');
  for (const word of words) {
    assert.ok(page.includes(word), word);
    assert.ok(printed.includes(`${word}: 1`), printed);
  }
});

test('a kind of error that is 0 does not cover the one below it', () => {
  const answers = ['0:1050', '0:1212'].flatMap((answer) =>
    Array.from({ length: 10 }, () => ({ answer, durationMs: 2 })),
  );
  const page = reportPage(recordedRun(answers));
  const errors = page.slice(page.indexOf('Payments that were not accepted'));
  const drawing = errors.slice(0, errors.indexOf('</svg>'));
  const drawn = [...drawing.matchAll(/class="curve (\w)/g)].map(([, tone]) => tone);
  const named = [...errors.matchAll(/<i class="(\w)"><\/i>/g)].map(([, tone]) => tone);
  // What is drawn later lies on top.
  assert.deepEqual(drawn, named.slice(0, 2).toReversed());
});

test('the page names each fault, and the parts that were killed', () => {
  const disturbed = [{ atMs: 10_000, part: 'nginx', pauseMs: null, processes: 1 }] as const;
  const page = textOf(reportPage(recordedRun(good(30), { unsettled: 3, context: { disturbed } })));
  assert.match(page, /10\.0 s: nginx killed \(-9\)/);
  assert.match(page, /Fault:/);
});
