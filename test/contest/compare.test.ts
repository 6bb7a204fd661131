// What `npm run k6:compare` says of two runs, and the command itself.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { mismatchOf, rowsOf, signTest, windowsWord } from '../../tools/contest/difference.ts';
import { rowText } from '../../tools/contest/page/compare-page.ts';
import type { Result } from '../../tools/contest/result.ts';
import { recordedRun, RUN_CONTEXT } from './recorded-run.ts';

const COMMAND = fileURLToPath(new URL('../../tools/contest/compare.js', import.meta.url));
const runs = await mkdtemp(join(tmpdir(), 'repasse-test-runs-'));
after(() => rm(runs, { recursive: true }));

const runOf = (durationMs: number, name = RUN_CONTEXT.name): Result =>
  recordedRun(
    Array.from({ length: 300 }, (_, index) => ({
      answer: '202',
      durationMs: durationMs + (index % 10) / 10,
    })),
    { context: { name } },
  );

async function keep(name: string, result: Result): Promise<void> {
  await mkdir(join(runs, name));
  await writeFile(join(runs, name, 'result.json'), JSON.stringify({ ...result, name }));
}

function compare(...words: readonly string[]): Promise<{ code: number; said: string }> {
  return new Promise((resolve) => {
    const all = [COMMAND, ...words, '--report', runs];
    execFile(process.execPath, all, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), said: stdout + stderr });
    });
  });
}

test('each row has the difference of its two figures', () => {
  const rows = rowsOf(runOf(2), runOf(3), []);
  for (const { what, a, b, difference } of rows) {
    if (a === null || b === null) assert.equal(difference, null, what);
    else assert.equal(difference, b - a, what);
  }
  const p50 = rows.find(({ what }) => what.startsWith('p50'));
  assert.ok(p50 !== undefined && Math.abs((p50.difference ?? 0) - 1) < 1e-9);
  assert.equal(rows.find(({ what }) => what === 'accepted')?.noise, 'equal');
});

test('a difference that goes through the whole run is beyond the noise within it, no difference is not', () => {
  assert.match(windowsWord(runOf(2), runOf(2.1), 'p99Ms'), /B slower in 30 of 30 .*: beyond/);
  assert.match(windowsWord(runOf(2.1), runOf(2), 'p99Ms'), /B faster in 30 of 30 .*: beyond/);
  assert.equal(windowsWord(runOf(2), runOf(2), 'p99Ms'), 'too few windows to tell');
});

test('the sign test is the sum of binomial probabilities', () => {
  const choose = (n: number, k: number): number => (k === 0 ? 1 : (choose(n - 1, k - 1) * n) / k);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(), (count, seed) => {
      const side = Math.ceil(count / 2) + (seed % (Math.floor(count / 2) + 1));
      let tail = 0;
      for (let k = side; k <= count; k++) tail += choose(count, k) / 2 ** count;
      assert.ok(Math.abs(signTest(side, count) - Math.min(1, 2 * tail)) < 1e-9);
    }),
    { seed: 20_251_124 },
  );
});

test('with three runs of one commit kept, a figure is compared with their range', () => {
  const kept = [2, 2.2, 2.4].map((ms) => runOf(ms));
  const wordOf = (b: Result): string | undefined =>
    rowsOf(kept[0] as Result, b, kept).find(({ what }) => what === 'slowest payment')?.noise;
  assert.equal(wordOf(runOf(2.3)), "2.90 to 3.30 in 3 runs of A's commit: B is within");
  assert.match(wordOf(runOf(5)) ?? '', /B is outside$/);
});

test('only runs of the same test are comparable', () => {
  const run = runOf(2);
  const other = (plan: Partial<Result['plan']>): Result => ({
    ...run,
    plan: { ...run.plan, ...plan },
  });
  assert.equal(mismatchOf(run, run), null);
  assert.equal(mismatchOf(run, other({ name: 'final' })), 'the test is preview and final');
  assert.equal(mismatchOf(run, other({ scale: 0.5 })), 'the scale is 1 and 0.5');
  assert.equal(mismatchOf(run, other({ stages: [] })), 'the stages differ');
  assert.equal(mismatchOf(run, { ...run, isPartial: true }), 'the state is whole and partial');
});

test('numbers have their unit and, as a difference, their sign', () => {
  assert.equal(rowText('cents', 38_003_587), '380,035.87');
  assert.equal(rowText('cents', -1_205, true), '-12.05');
  assert.equal(rowText('ms', 0.004, true), '0.00');
  assert.equal(rowText('ms', -0.004, true), '0.00');
  assert.equal(rowText('count', 16_752, true), '+16,752');
  assert.equal(rowText('percent', null), '–');
});

test('the command finds runs by path, name and order, and writes the page', async () => {
  await keep('2026-11-24-101502-preview-aaaaaaa', runOf(2));
  await keep('2026-11-24-111502-preview-bbbbbbb', runOf(3));
  const { code, said } = await compare('previous', 'last');
  assert.equal(code, 0, said);
  assert.match(said, /^p50 of accepted payments, ms +2\.45 +3\.45 +\+1\.00 +B slower in 30 of 30/m);
  const page = await readFile(/^page +(.+)$/m.exec(said)?.[1] ?? '', 'utf8');
  assert.ok(page.includes('A: 2026-11-24-101502-preview-aaaaaaa'));
  const byPath = join(runs, '2026-11-24-101502-preview-aaaaaaa');
  const same = await compare(byPath, '2026-11-24-11');
  assert.equal(same.code, 0, same.said);
  assert.equal(same.said, said);
});

test('bad input ends the command with 2 and says what is wrong', async () => {
  await keep('2026-11-24-121502-final-ccccccc', {
    ...runOf(2),
    plan: { ...runOf(2).plan, name: 'final' },
  });
  await mkdir(join(runs, '2026-11-24-131502-preview-ddddddd'));
  await writeFile(join(runs, '2026-11-24-131502-preview-ddddddd', 'result.json'), 'half a {');
  const { format: _, ...old } = runOf(2);
  await writeFile(join(runs, 'old.json'), JSON.stringify(old));
  await writeFile(join(runs, 'null.json'), 'null');
  await writeFile(join(runs, 'part.json'), JSON.stringify({ format: 1, name: 'part' }));
  for (const [words, said] of [
    [[join(runs, 'part.json'), 'previous'], /is incomplete: it lacks addresses\n/],
    [
      ['2026-11-24-10', '2026-11-24-12'],
      /these are different tests: the test is preview and final/,
    ],
    [['nothing', 'previous'], /"nothing" is no run in/],
    [['2026-11-24-1', 'previous'], /is the start of 4 runs/],
    [['last', 'previous'], /is no result of a run: it is no JSON/],
    [[runs, 'previous'], /is no run: ENOENT/],
    [[], /a is missing/],
    [
      [join(runs, 'old.json'), 'previous'],
      /another version \(format unknown; this version reads 1\)/,
    ],
    [[join(runs, 'null.json'), 'previous'], /is no result of npm run k6/],
  ] as const) {
    const outcome = await compare(...words);
    assert.equal(outcome.code, 2, outcome.said);
    assert.match(outcome.said, said);
  }
  const told = await compare('2026-11-24-10', '2026-11-24-12', '--different-tests');
  assert.equal(told.code, 0, told.said);
});
