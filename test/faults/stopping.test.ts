// A stop, in order or not: what is under way is settled or stays in the journal, and the next start
// goes on with it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heal } from '../../tools/soak/mischief.ts';
import { AGAIN } from '../buffer/seed.ts';
import { audit } from '../world/audit.ts';
import type { Environment } from '../world/instances.ts';
import { waitUntil } from '../world/wait-until.ts';
import { Load } from './load.ts';
import { openStage } from './stage.ts';

const { world, random, book } = await openStage({ environment: { DRAIN_MS: '1000' } });

test(`SIGTERM under load ends an instance with 0, again and again, and loses nothing ${AGAIN}`, async () => {
  const clients = [world.client, ...world.instances.map(({ client }) => client)];
  await using load = new Load({ clients, random, book });
  for (let stop = 0; stop < 3; stop++) {
    await load.more(50);
    const instance = world.instance(stop % 2);
    assert.equal(await instance.kill('SIGTERM'), 0, instance.program.lastWords());
    await load.more(50);
    await instance.restart();
  }
  await load.stop();
  await audit(world, book.accepted, { maybe: book.maybe });
});

async function restartAll(environment: Environment = {}): Promise<void> {
  for (const instance of world.instances) {
    await instance.kill('SIGTERM');
    await instance.restart(environment);
  }
}

test(`in a restart in order every payment gets its answer, and the instance ends as soon as it is done ${AGAIN}`, async (context) => {
  // It might wait for far longer than we do here.
  const environment = { DRAIN_MS: '600000', JOURNAL_SYNC: 'always' };
  await restartAll(environment);
  context.after(() => restartAll());
  await using load = new Load({ clients: [world.client], random, book, ratePerS: 400 });
  for (let stop = 0; stop < 6; stop++) {
    await load.more(100);
    const instance = world.instance(stop % 2);
    // What comes while it stands still is all under way, or unread, at the moment of its stop.
    if (stop >= 2) instance.program.signal('SIGSTOP');
    if (stop >= 2) await load.more(40);
    instance.program.signal('SIGTERM');
    instance.program.signal('SIGCONT');
    await waitUntil('it has ended', () => !instance.program.running, { withinMs: 60_000 });
    assert.equal(await instance.program.ended(), 0, instance.program.lastWords());
    await load.more(100);
    await instance.restart(environment);
  }
  await load.stop();
  assert.equal(load.answers.get(0), undefined, 'left without an answer');
  // A disk that is slow is not the stop's doing.
  const refused = [...load.refusals].filter(
    (body) => body.includes('"unavailable"') && !body.includes('the journal is behind'),
  );
  assert.deepEqual(refused, []);
  await audit(world, book.accepted, { maybe: book.maybe });
});

test(`stopped with more under way than it can wait for, it ends with 0 and goes on after its restart ${AGAIN}`, async () => {
  await using load = new Load({ clients: [world.client], random, book });
  await load.more(50);
  for (const { levers } of world.processors) await levers.setFault({ kind: 'hang' });
  await load.more(100);
  const codes = await Promise.all(world.instances.map((instance) => instance.kill('SIGTERM')));
  assert.deepEqual(codes, [0, 0]);
  await heal(world.processors);
  await Promise.all(world.instances.map((instance) => instance.restart()));
  await load.stop();
  await audit(world, book.accepted, { maybe: book.maybe });
});

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`${signal} while it drains ends it at once, and loses nothing ${AGAIN}`, async () => {
    await using load = new Load({ clients: [world.client], random, book });
    for (const { levers } of world.processors) await levers.setDelay(500);
    await load.more(100);
    for (const instance of world.instances) {
      const stops = instance.said('stopping');
      instance.program.signal('SIGTERM');
      await waitUntil('it is stopping', () => instance.said('stopping') > stops);
      await instance.kill(signal);
    }
    await heal(world.processors);
    await Promise.all(world.instances.map((instance) => instance.restart()));
    await load.stop();
    await audit(world, book.accepted, { maybe: book.maybe });
  });
}

test(`everything stopped in order and started again: all is settled ${AGAIN}`, async () => {
  await using load = new Load({ clients: [world.client], random, book });
  for (const { levers } of world.processors) await levers.setDelay(50);
  await load.more(100);
  await world.front.kill();
  await load.stop();
  for (const instance of world.instances) {
    assert.equal(await instance.kill('SIGTERM'), 0, instance.program.lastWords());
  }
  for (const processor of world.processors) await processor.kill('SIGTERM');
  await world.database.shutDown();

  await world.database.restart();
  for (const processor of world.processors) await processor.restart();
  for (const instance of world.instances) await instance.restart();
  await world.front.restart();
  await audit(world, book.accepted, { maybe: book.maybe });
});
