// The simulator as a process: it says when it listens, ends on a signal, and with a state file
// keeps what it acknowledged.

import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Levers } from '../../tools/simulator/levers.ts';
import { startSimulator } from '../../tools/simulator/processor-simulator.ts';
import { makeTempDirectory } from '../world/temp-directory.ts';
import { waitUntil } from '../world/wait-until.ts';
import { Caller, idOf } from './caller.ts';

const PROGRAM = fileURLToPath(new URL('../../tools/simulator.js', import.meta.url));

interface Running {
  readonly process: ChildProcess;
  readonly line: Readonly<Record<string, unknown>>;
  readonly caller: Caller;
  readonly levers: Levers;
  readonly end: (signal: NodeJS.Signals) => Promise<number | NodeJS.Signals>;
}

async function run(t: TestContext, ...more: string[]): Promise<Running> {
  const options = ['--name', 'fallback', '--port', '0', '--fee', '15', ...more];
  const child = spawn(process.execPath, [PROGRAM, ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [text] = (await once(createInterface(child.stdout), 'line')) as [string];
  const line = JSON.parse(text) as Record<string, unknown>;
  const url = String(line['url']);
  const caller = new Caller(url);
  const end = async (signal: NodeJS.Signals): Promise<number | NodeJS.Signals> => {
    caller.close();
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode ?? 0;
    const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    child.kill(signal);
    const [code, killedBy] = await exited;
    return code ?? killedBy ?? 'SIGKILL';
  };
  t.after(() => end('SIGKILL'));
  return { process: child, line, caller, levers: new Levers(url), end };
}

describe('the process', () => {
  it('says who listens where, and ends on SIGTERM in spite of a sleeping payment', async (t) => {
    const { line, caller, levers, end } = await run(t, '--token', 'secret');
    assert.equal(line['event'], 'listening');
    assert.equal(line['name'], 'fallback');
    assert.match(String(line['url']), /^http:\/\/127\.0\.0\.1:\d+$/);
    await assert.rejects(levers.summary(), /401/);
    const secret = new Levers(String(line['url']), 'secret');
    assert.equal((await secret.summary()).feePerTransaction, 0.15);
    await secret.setDelay(60_000);
    const sleeping = caller.charge(idOf(1));
    await waitUntil('it sleeps', async () => (await secret.attempts()).busy.atOnce === 1);
    assert.equal(await end('SIGTERM'), 0);
    await assert.rejects(sleeping.reply);
  });

  it('ends on SIGINT, and refuses a port that is taken', async (t) => {
    const { line, end } = await run(t);
    const port = Number(new URL(String(line['url'])).port);
    await assert.rejects(startSimulator({ name: 'second', port, feePercent: 5 }), /EADDRINUSE/);
    assert.equal(await end('SIGINT'), 0);
  });
});

describe('the state file', () => {
  it('keeps, through kill -9, every payment that was acknowledged', async (t) => {
    const file = join(makeTempDirectory(), 'fallback.state');
    const first = await run(t, '--state', file);
    const acknowledged: string[] = [];
    let sent = 0;
    // Twenty senders go on until the process is gone under them.
    const senders = Array.from({ length: 20 }, async () => {
      for (;;) {
        const id = idOf(++sent);
        // oxlint-disable-next-line no-await-in-loop
        const { status } = await first.caller.charge(id).reply;
        assert.equal(status, 200);
        if (acknowledged.push(id) === 300) first.process.kill('SIGKILL');
      }
    });
    const ends = await Promise.allSettled(senders);
    assert.ok(ends.every((end) => end.status === 'rejected'));
    await first.end('SIGKILL');

    const second = await run(t, '--state', file);
    const held = new Set((await second.levers.payments()).map((payment) => payment.correlationId));
    assert.deepEqual(
      acknowledged.filter((id) => !held.has(id)),
      [],
    );
    assert.ok(held.size >= acknowledged.length && held.size <= sent);
    assert.equal((await second.caller.charge(idOf(1), '5').reply).status, 422);
    const { text } = await second.caller.lookUp(idOf(1)).reply;
    assert.match(text, /"amount":19\.90,"requestedAt":"2025-07-15T12:34:56\.789Z"/);
    assert.equal(await second.end('SIGTERM'), 0);
  });

  it('loses a torn last line only, and goes on behind the whole ones', async () => {
    const file = join(makeTempDirectory(), 'default.state');
    const start = () =>
      startSimulator({ name: 'default', port: 0, feePercent: 5, stateFile: file });
    writeFileSync(file, `${idOf(1)} 1990 1752582896789\n${idOf(2)} -5 -1\n`);
    appendFileSync(file, `${idOf(3)} 19`);
    const torn = await start();
    const caller = new Caller(torn.url);
    assert.equal((await caller.lookUp(idOf(2)).reply).status, 200);
    assert.equal((await caller.lookUp(idOf(3)).reply).status, 404);
    assert.equal((await caller.charge(idOf(3), '7').reply).status, 200);
    caller.close();
    await torn.close();
    const lines = readFileSync(file, 'latin1').split('\n');
    assert.deepEqual(lines.slice(2), [`${idOf(3)} 700 1752582896789`, '']);

    writeFileSync(file, 'something else\n');
    await assert.rejects(start(), /not a line of a state file/);
  });

  it('is emptied by a purge, also for a later start', async () => {
    const file = join(makeTempDirectory(), 'default.state');
    const options = { name: 'default', port: 0, feePercent: 5, stateFile: file };
    const first = await startSimulator(options);
    const caller = new Caller(first.url);
    await caller.charge(idOf(1)).reply;
    await new Levers(first.url).purge();
    assert.equal(readFileSync(file, 'latin1'), '');
    await caller.charge(idOf(2)).reply;
    caller.close();
    await first.close();

    const second = await startSimulator(options);
    const held = await new Levers(second.url).payments();
    assert.deepEqual(
      held.map((payment) => payment.correlationId),
      [idOf(2)],
    );
    await second.close();
  });
});
