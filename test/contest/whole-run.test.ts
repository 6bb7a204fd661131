// The command itself, with k6, against a stand-in for the system: each mistake must be seen.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findK6 } from '../../tools/contest/find-k6.ts';
import type { TestName } from '../../tools/contest/plan.ts';
import type { Result } from '../../tools/contest/result.ts';
import { needs } from '../world/needs.ts';
import { runCommand } from './k6-command.ts';
import type { Mistake, StubWorld } from './stub-world.ts';
import { openStubWorld } from './stub-world.ts';

const needsK6 = needs('k6 (see npm run k6)', findK6(process.env) !== null);

interface Outcome {
  readonly code: number | null;
  readonly printed: string;
  readonly result: Result;
}

/** The result of the only run in this directory; its page is beside it. */
async function resultIn(directory: string, printed: string): Promise<Result> {
  const [folder = 'none'] = await readdir(directory);
  const page = await readFile(join(directory, folder, 'report.html'), 'utf8').catch(() => '');
  assert.match(page, /^<!doctype html>/, `no report was written:\n${printed}`);
  const result = JSON.parse(
    await readFile(join(directory, folder, 'result.json'), 'utf8'),
  ) as Result;
  assert.equal(result.name, folder);
  return result;
}

const addressesOf = (world: StubWorld): string[] => [
  '--url',
  world.url,
  '--default',
  world.processorUrls[0],
  '--fallback',
  world.processorUrls[1],
];

const delaysOfStages = (settings: readonly string[] = []): string[] =>
  settings.slice(2, -2).filter((setting) => setting.startsWith('delay'));

/** A test of a few seconds against a world with this mistake. */
async function outcomeOf(
  mistake: Mistake,
  name: TestName,
  scale: number,
  ...words: readonly string[]
): Promise<Outcome & { readonly world: StubWorld }> {
  const world = await openStubWorld(mistake, name === 'final' ? [7, 10] : [5, 15]);
  const directory = await mkdtemp(join(tmpdir(), 'repasse-test-k6 a&b%20-'));
  try {
    const limits = ['--scale', String(scale), '--drain', '1', '--report', directory];
    const { code, printed } = await runCommand([name, ...addressesOf(world), ...limits, ...words]);
    return { code, printed, result: await resultIn(directory, printed), world };
  } finally {
    await rm(directory, { recursive: true });
    await world.close();
  }
}

test(
  'a perfect preview ends with 0, every id audited and nothing to complain of',
  needsK6,
  async () => {
    const { code, printed, result, world } = await outcomeOf('none', 'preview', 0.04);
    assert.equal(code, 0, printed);
    assert.deepEqual(result.faults, []);
    assert.equal(result.audit.byId, true);
    assert.ok(result.verdicts.accepted > 500, printed);
    assert.ok(result.checks.some(({ standing }) => (standing.backend?.[0].requests ?? 0) > 0));
    // Before the run, six stages, and after it.
    const [onDefault, onFallback] = world.processors.map(({ settings }) => settings);
    assert.equal(onDefault?.length, 2 * 8);
    assert.deepEqual(
      delaysOfStages(onDefault),
      [0, 100, 100, 2_000, 20, 0].map((ms) => `delay ${ms}`),
    );
    assert.deepEqual(
      delaysOfStages(onFallback),
      [0, 0, 0, 1_000, 20, 5_000].map((ms) => `delay ${ms}`),
    );
    assert.deepEqual(onDefault?.slice(-2), ['delay 0', 'failure false']);
    assert.deepEqual(world.processors[0].tokens, ['123']);
  },
);

test('a final runs under a token of its own, which is put back', needsK6, async () => {
  const { code, printed, result, world } = await outcomeOf('none', 'final', 0.008);
  assert.equal(code, 0, printed);
  assert.equal(result.stages.length, 10);
  assert.equal(result.score.amountCents, result.verdicts.accepted * 2_005);
  for (const { tokens } of world.processors) {
    assert.equal(tokens.length, 3);
    assert.notEqual(tokens[1], '123');
    assert.equal(tokens[2], '123');
  }
});

test('a lost payment is named by the audit', needsK6, async () => {
  const { code, result, printed } = await outcomeOf('loses a payment', 'preview', 0.03);
  assert.equal(code, 1, printed);
  assert.equal(result.audit.lost.length, 1);
  assert.equal(result.score.fineCents, 0);
});

test(
  'a payment charged twice disqualifies, is fined by the checker and named',
  needsK6,
  async () => {
    const { code, result, printed } = await outcomeOf('charges twice', 'preview', 0.05);
    assert.equal(code, 1, printed);
    assert.equal(result.audit.twice.length, 1);
    assert.match(result.score.disqualified ?? '', /charged/);
    assert.equal(result.score.totalCents, 0);
    assert.ok(result.score.fineCents > 0, printed);
  },
);

test('a summary that is ahead of the processors is fined', needsK6, async () => {
  const { code, result, printed } = await outcomeOf('summary ahead', 'preview', 0.05);
  assert.equal(code, 1, printed);
  assert.ok(result.score.fineCents > 0, printed);
  assert.ok(result.checks.some(({ difference }) => difference?.requests === 1));
  assert.deepEqual(result.audit.lost, []);
  assert.equal(result.audit.books.length, 1);
});

test(
  'processors that list nothing leave the ids unaudited, which is not a 0',
  needsK6,
  async () => {
    const { code, result, printed } = await outcomeOf('no list', 'preview', 0.02);
    assert.equal(code, 3, printed);
    assert.equal(result.audit.byId, false);
  },
);

test(
  "a burst is sent at its rates, in a directory of any name, beside k6's own page",
  needsK6,
  async () => {
    const { code, printed, result } = await outcomeOf('none', 'burst', 0.15, '--rate', '300');
    assert.equal(code, 0, printed);
    assert.deepEqual(
      result.plan.rates?.map(({ perSecond }) => perSecond),
      [50, 300, 50],
    );
    // 1.5 s at 50/s, 1.5 s at 300/s, 3 s at 50/s.
    const sent = Object.values(result.answers).reduce((sum, count) => sum + count, 0);
    assert.ok(sent > 500 && sent < 700, printed);
    assert.match(printed, /^report .*\/k6-dashboard\.html$/m);
  },
);

test('faults without the parts of an npm start says that it killed none', needsK6, async () => {
  const { code, printed, result } = await outcomeOf('none', 'faults', 0.04, '--rate', '50');
  assert.equal(code, 0, printed);
  assert.ok(result.warnings.includes('no part was killed: only the processors failed'), printed);
  assert.deepEqual(result.disturbed, []);
});

test(
  'an interrupted final puts the token and the processors back, and reports what there is',
  needsK6,
  async () => {
    const world = await openStubWorld('none', [7, 10]);
    const directory = await mkdtemp(join(tmpdir(), 'repasse-test-k6-'));
    try {
      const [onDefault] = world.processors;
      const { code, printed } = await runCommand(
        ['final', ...addressesOf(world), '--scale', '0.2', '--report', directory],
        process.env,
        (child) => {
          // The answers of the first ones are in k6's log by then.
          onDefault.onCharge = () => {
            if (onDefault.charges.length === 20) child.kill('SIGINT');
          };
        },
      );
      assert.equal(code, 2, printed);
      assert.match(printed, /^interrupted$/m);
      assert.match(printed, /^PARTIAL /m);
      assert.equal(onDefault.tokens.length, 3);
      assert.equal(onDefault.tokens.at(-1), '123');
      assert.deepEqual(onDefault.settings.slice(-2), ['delay 0', 'failure false']);
      const result = await resultIn(directory, printed);
      assert.equal(result.isPartial, true);
      assert.match(result.name, /-partial$/);
      assert.ok(result.verdicts.accepted > 0);
      assert.deepEqual(result.audit.lost, []);
    } finally {
      await rm(directory, { recursive: true });
      await world.close();
    }
  },
);

test('a backend that is never ready ends the command before any load', needsK6, async () => {
  const world = await openStubWorld('none');
  await world.close();
  const { code, printed } = await runCommand([
    'preview',
    ...addressesOf(world),
    '--scale',
    '0.001',
  ]);
  assert.equal(code, 2);
  assert.match(printed, /payments-summary is not 200 after 15 tries \(the last one: no answer\)/);
});
