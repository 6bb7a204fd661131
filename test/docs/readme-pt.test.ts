// README.pt-BR.md says the same as README.md: what a translation leaves as it is, is in both.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const FENCE = /^```[^]*?^```$/gm;

/** What a translation keeps of each section. A link to a heading becomes its section's number. */
function kept(file: string): readonly object[] {
  const sections = readFileSync(file, 'utf8').split(/^## /m);
  const anchors = sections.map((section) => {
    const heading = section.slice(0, section.indexOf('\n')).toLowerCase();
    return `#${heading.replace(/[^\p{L}\p{N} -]/gu, '').replaceAll(' ', '-')}`;
  });
  return sections.map((section) => {
    const prose = section.replace(FENCE, '');
    const links = [...prose.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => {
      assert.ok(!target.startsWith('#') || anchors.includes(target), target);
      if (target.startsWith('#')) return `section ${anchors.indexOf(target)}`;
      return target.replace(/^README(\.pt-BR)?\.md$/, 'the other README');
    });
    const rows = [...prose.matchAll(/^\|([^|]*)\|/gm)].map(([, cell = '']) =>
      cell.match(/`[^`]+`/g),
    );
    const blocks = [...section.matchAll(FENCE)].map(([block]) => block.replace(/ *#.*$/gm, ''));
    return { blocks, rows, links: new Set(links) };
  });
}

test('both READMEs have the same sections, code blocks, links and rows of tables', () => {
  const [english, portuguese] = [kept('README.md'), kept('README.pt-BR.md')];
  assert.deepEqual(portuguese, english);
});
