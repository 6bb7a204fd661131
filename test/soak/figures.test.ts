// A leak in one part of a soak is found by name, nothing else is, and the page shows all of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { figuresOf, judge } from '../../tools/soak/figures.ts';
import { soakPage } from '../../tools/soak/page.ts';
import type { Sample } from '../../tools/soak/sampler.ts';

const MIB = 2 ** 20;
const SAMPLES = 360;

/** Half an hour in which all that may grow with the payments does so. */
function samplesWith(change: (minute: number) => Partial<Record<string, number>>): Sample[] {
  return Array.from({ length: SAMPLES }, (_, n) => {
    const minute = n / 12;
    const rows = 1 + 30_000 * minute;
    const at = {
      memory: 100,
      files: 50,
      cpu: 20,
      delay: 8,
      held: 40,
      dead: 300,
      ...change(minute),
    };
    const part = {
      cpuMs: 600 * minute * at.cpu,
      memoryBytes: at.memory * MIB,
      descriptors: at.files,
      loopDelayMs: at.delay,
    };
    const table = { bytes: rows * 70, indexBytes: rows * 40, rows, deadRows: 0, vacuums: 0 };
    const sums = { bytes: 8_192 * 10, indexBytes: 8_192, rows: 60 * minute, vacuums: minute };
    return {
      atMs: minute * 60_000,
      parts: { 'instance 0': part, PostgreSQL: { ...part, memoryBytes: 40 * MIB } },
      tables: { payments: table, payments_per_second: { ...sums, deadRows: at.dead } },
      held: at.held,
      journalBytes: 24 * MIB,
      databaseBytes: rows * 110,
      logBytes: rows * 300,
    };
  });
}

const growing = (samples: readonly Sample[]): string[] =>
  judge(figuresOf(samples))
    .filter(({ growth }) => growth.verdict === 'grows')
    .map(({ what }) => what);

test('in a healthy run nothing grows, although the tables do', () => {
  const judged = judge(figuresOf(samplesWith(() => ({}))));
  assert.deepEqual(new Set(judged.map(({ growth }) => growth.verdict)), new Set(['flat']));
  assert.ok(judged.length > 15);
});

test('what leaks is named: memory, files, dead rows, payments that are held', () => {
  assert.deepEqual(growing(samplesWith((minute) => ({ memory: 100 + minute }))), [
    'Memory: instance 0',
  ]);
  const files = growing(samplesWith((minute) => ({ files: 50 + 2 * minute })));
  assert.deepEqual(files, [
    'Open files and sockets: instance 0',
    'Open files and sockets: PostgreSQL',
  ]);
  assert.deepEqual(growing(samplesWith((minute) => ({ dead: 3_000 * minute }))), [
    'Dead rows: payments_per_second',
  ]);
  assert.deepEqual(growing(samplesWith((minute) => ({ held: 300 * minute }))), [
    'Held payments: all',
  ]);
});

test('the page has a graph of each series, the verdicts, and no markup of a name', () => {
  const samples = samplesWith((minute) => ({ memory: 100 + minute }));
  const figures = figuresOf(samples);
  const page = soakPage({
    title: 'Soak of <30> minutes',
    minutes: 30,
    tiles: [['1', 'series that grow']],
    figures,
    judged: judge(figures),
    lines: ['sent 900000 payments'],
  });
  assert.equal([...page.matchAll(/<svg/g)].length, figures.length);
  assert.match(page, /<td>Memory: instance 0<\/td>\s*<td>\s*<b class="bad">grows<\/b>/);
  assert.match(page, /Soak of &lt;30&gt; minutes/);
});
