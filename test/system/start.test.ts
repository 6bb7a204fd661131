// `npm start`, by its script: its life from the line that says ready to the last process gone.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { Levers } from '../../tools/simulator/levers.ts';
import { freePort } from '../world/free-port.ts';
import { makeTempDirectory } from '../world/temp-directory.ts';
import { waitUntil } from '../world/wait-until.ts';
import { killAll, launch, nothingIsLeft, pidOf, settings, settled, start } from './started.ts';

after(killAll);

const slow = { timeout: 240_000 };

test(
  'a payment goes all the way, SIGTERM leaves nothing, and the next start knows the payment',
  slow,
  async () => {
    const directory = makeTempDirectory();
    const first = await start(await settings(directory));
    assert.deepEqual(first.program.lines, [`ready ${first.url}`]);
    assert.equal((await first.client.pay(randomUUID(), '19.90')).status, 202);
    await settled(first.client, 1);
    first.client.close();
    assert.equal(await first.program.kill('SIGTERM'), 0, first.program.lastWords());
    assert.deepEqual(first.program.lines, [`ready ${first.url}`]);
    await nothingIsLeft(first);
    assert.equal(existsSync(join(directory, 'run')), false, 'the sockets are gone');

    const second = await start(first.environment);
    await settled(second.client, 1);
    second.client.close();
    assert.equal(await second.program.kill('SIGINT'), 0, second.program.lastWords());
    await nothingIsLeft(second);
  },
);

test(
  'each part that is killed is started again, and payments go on',
  slow,
  async (context: TestContext) => {
    const directory = makeTempDirectory();
    const system = await start(await settings(directory));
    const parts = {
      nginx: /^nginx: master/,
      'instance 0': /src\/main\.js/,
      'default processor': /simulator\.js --name default/,
      'fallback processor': /simulator\.js --name fallback/,
      postgres: /bin\/postgres -D/,
    };
    let payments = 0;
    for (const [name, command] of Object.entries(parts)) {
      await context.test(name, async () => {
        const killed = pidOf(directory, command) as number;
        assert.ok(killed > 0, `${name} runs`);
        process.kill(killed, 'SIGKILL');
        await waitUntil(
          'another one runs',
          () => {
            const pid = pidOf(directory, command);
            return pid !== undefined && pid !== killed;
          },
          { withinMs: 60_000 },
        );
        const again = (): boolean =>
          system.program.errors.filter((line) => line.endsWith(' is back')).length > 0;
        await waitUntil('it is back', again, { withinMs: 60_000 });
        const id = randomUUID();
        await waitUntil(
          'a payment is accepted',
          async () => (await system.client.pay(id, '1.00')).status === 202,
        );
        payments++;
        await settled(system.client, payments);
        system.program.errors.length = 0;
      });
    }
    system.client.close();
    assert.equal(await system.program.kill('SIGTERM'), 0, system.program.lastWords());
    await nothingIsLeft(system);
  },
);

test('kill -9 of the start itself takes every part along, and loses no payment', slow, async () => {
  const directory = makeTempDirectory();
  const first = await start(await settings(directory));
  assert.equal((await first.client.pay(randomUUID(), '19.90')).status, 202);
  first.client.close();
  assert.equal(await first.program.kill('SIGKILL'), 'SIGKILL');
  await nothingIsLeft(first);

  const second = await start(first.environment);
  await settled(second.client, 1);
  second.client.close();
  assert.equal(await second.program.kill('SIGTERM'), 0);
  await nothingIsLeft(second);
});

test('a second signal ends a long drain, and loses no payment', slow, async () => {
  // A drain that waits for the processor would outlast this test.
  const environment = { ...(await settings(makeTempDirectory())), DRAIN_MS: '600000' };
  const first = await start(environment);
  const processor = new Levers(`http://127.0.0.1:${environment.SIMULATOR_DEFAULT_PORT}`);
  await processor.setDelay(600_000);
  assert.equal((await first.client.pay(randomUUID(), '19.90')).status, 202);
  await waitUntil(
    'it is at the processor',
    async () => (await processor.attempts()).busy.atOnce === 1,
  );
  first.client.close();
  await waitUntil('it ends', () => {
    if (first.program.running) first.program.signal('SIGINT');
    return !first.program.running;
  });
  assert.equal(await first.program.ended(), 0);
  const waits = /payments that wait in .*journal-\d: 1$/;
  assert.ok(first.program.errors.some((line) => waits.test(line)));
  await nothingIsLeft(first);

  const second = await start(environment);
  await settled(second.client, 1);
  second.client.close();
  assert.equal(await second.program.kill('SIGTERM'), 0);
});

test(
  'a second start on the same data directory, or on a port that is taken, is one clear line',
  slow,
  async () => {
    const system = await start(await settings(makeTempDirectory()));
    const reason = async (changes: Record<string, string>): Promise<readonly string[]> => {
      const other = launch({ ...system.environment, ...changes });
      assert.equal(await other.ended(), 1);
      await waitUntil('it says why', () => other.errors.length > 0);
      return other.errors;
    };
    const [sameDirectory, ...more] = await reason({ PORT: String(await freePort()) });
    assert.match(
      sameDirectory as string,
      /^npm start: another npm start is using the same DATA_DIR/,
    );
    assert.deepEqual(more, []);
    const [samePort, ...evenMore] = await reason({ DATA_DIR: makeTempDirectory() });
    assert.match(samePort as string, /^npm start: port \d+ is in use/);
    assert.deepEqual(evenMore, []);
    system.client.close();
    assert.equal(await system.program.kill('SIGTERM'), 0);
  },
);

test(
  'a data directory too deep for sockets works, and leaves no temporary directory',
  slow,
  async () => {
    const directory = join(makeTempDirectory(), 'deep'.repeat(30));
    mkdirSync(directory);
    const system = await start(await settings(directory));
    const elsewhere = readFileSync(join(directory, 'nginx', 'nginx.conf'), 'utf8').match(
      /unix:(.+)\/api-0/,
    )?.[1];
    assert.ok(elsewhere !== undefined && existsSync(elsewhere));
    assert.equal((await system.client.pay(randomUUID(), '19.90')).status, 202);
    await settled(system.client, 1);
    system.client.close();
    assert.equal(await system.program.kill('SIGTERM'), 0);
    assert.equal(existsSync(elsewhere), false);
  },
);
