// The command itself, with k6, against a stand-in for the system: each mistake must be seen.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findK6 } from '../../tools/k6/find-k6.ts';
import type { Result } from '../../tools/k6/result.ts';
import { needs } from '../world/needs.ts';
import type { Mistake, StubWorld } from './stub-world.ts';
import { openStubWorld } from './stub-world.ts';

const COMMAND = fileURLToPath(new URL('../../tools/k6.js', import.meta.url));
const needsK6 = needs('k6 (see npm run k6)', findK6(process.env) !== null);

interface Outcome {
  readonly code: number | null;
  readonly printed: string;
  readonly result: Result;
}

async function command(
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  started: (child: ChildProcess) => void = () => undefined,
): Promise<{ readonly code: number | null; readonly printed: string }> {
  const child = spawn(process.execPath, [COMMAND, ...args], { env });
  started(child);
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, printed: Buffer.concat(chunks).toString() };
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
  name: 'preview' | 'final',
  scale: number,
): Promise<Outcome & { readonly world: StubWorld }> {
  const world = await openStubWorld(mistake, name === 'preview' ? [5, 15] : [7, 10]);
  const directory = await mkdtemp(join(tmpdir(), 'repasse-test-k6-'));
  try {
    const limits = ['--scale', String(scale), '--drain', '1', '--report', directory];
    const { code, printed } = await command([name, ...addressesOf(world), ...limits]);
    const json = await readFile(join(directory, `${name}.json`), 'utf8').catch(() => {
      assert.fail(`no report was written:\n${printed}`);
    });
    const page = await readFile(join(directory, `${name}.html`), 'utf8');
    assert.match(page, /^<!doctype html>/);
    return { code, printed, result: JSON.parse(json) as Result, world };
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

test('an interrupted final puts the token and the processors back', needsK6, async () => {
  const world = await openStubWorld('none', [7, 10]);
  try {
    const [onDefault] = world.processors;
    const { code, printed } = await command(
      ['final', ...addressesOf(world), '--scale', '0.2'],
      process.env,
      (child) => {
        onDefault.onCharge = () => child.kill('SIGINT');
      },
    );
    assert.equal(code, 2, printed);
    assert.match(printed, /^interrupted$/m);
    assert.equal(onDefault.tokens.length, 3);
    assert.equal(onDefault.tokens.at(-1), '123');
    assert.deepEqual(onDefault.settings.slice(-2), ['delay 0', 'failure false']);
  } finally {
    await world.close();
  }
});

test('a backend that is never ready ends the command before any load', needsK6, async () => {
  const world = await openStubWorld('none');
  await world.close();
  const { code, printed } = await command(['preview', ...addressesOf(world), '--scale', '0.001']);
  assert.equal(code, 2);
  assert.match(printed, /payments-summary is not 200 after 15 tries \(the last one: no answer\)/);
});

test('without k6 the command says in one line how to get it', async () => {
  const env = { HOME: '/nowhere', PATH: '/nowhere', K6: '/nowhere/k6' };
  const { code, printed } = await command(['preview'], env);
  assert.equal(code, 2);
  assert.match(printed, /^k6 not found: .*go install go\.k6\.io\/k6@v1\.1\.0.*\n$/);
});

test('k6 is taken from $K6 first, then from the PATH', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'repasse-test-k6-'));
  try {
    const program = join(directory, 'k6');
    await writeFile(program, '');
    assert.notEqual(findK6({ PATH: directory, HOME: '/nowhere' }), program);
    await chmod(program, 0o755);
    assert.equal(findK6({ PATH: `/nowhere:${directory}`, HOME: '/nowhere' }), program);
    assert.equal(findK6({ K6: program, PATH: '', HOME: '/nowhere' }), program);
    assert.equal(findK6({ K6: '/nowhere/k6', PATH: directory, HOME: '/nowhere' }), null);
  } finally {
    await rm(directory, { recursive: true });
  }
});
