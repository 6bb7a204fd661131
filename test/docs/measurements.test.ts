// The tables of what a policy earns are those that `npm run bench:policy` prints. The replay runs
// on virtual time, so it gives the same numbers each time. Of the final, which takes longer, only
// the first two rows are replayed: the default settings and those of the compose file.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DOCUMENTED, tableOf, titleOf } from '../../bench/contest/policy-table.ts';
import { TESTS, type ContestTest } from '../../tools/contest/plan.ts';

/** Lines without what a formatter of Markdown may change. */
const plain = (text: string): string[] =>
  text
    .replaceAll('<!-- oxfmt-ignore -->\n', '')
    .split('\n')
    .map((line) => line.replace(/ *\| */g, '|').replace(/-{3,}/g, '---'));

const document = plain(readFileSync('docs/MEASUREMENTS.md', 'utf8'));

for (const [contest, count] of [
  [TESTS.preview, DOCUMENTED.length],
  [TESTS.final, 2],
] satisfies [ContestTest, number][]) {
  test(`the document's table of the ${contest.name} is the program's`, async () => {
    const { table } = await tableOf(contest, DOCUMENTED.slice(0, count));
    const start = document.indexOf(titleOf(contest)) + 2;
    const expected = plain(table);
    assert.deepEqual(document.slice(start, start + expected.length), expected);
  });
}
