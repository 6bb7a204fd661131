// The command at real instances: what is stuck is listed, sent elsewhere, and given up; what is
// refused, and why; an instance that is away.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { heal } from '../../tools/soak/mischief.ts';
import {
  accepted,
  becomes,
  failBad,
  idOf,
  pay,
  setAside,
  socketOf,
  statusOf,
  world,
} from '../admin/operator.ts';
import { AGAIN } from '../buffer/seed.ts';
import { holdPayments } from '../world/anomalies.ts';
import { audit } from '../world/audit.ts';
import { freePort } from '../world/free-port.ts';
import { waitUntil } from '../world/wait-until.ts';
import { payments, type Ended } from './command.ts';

const TOKEN = '0123456789abcdef-secret';
const who = ['--actor', 'ana', '--reason', 'the test says so'];
const why = [...who, '--admin', socketOf(0)];

async function fails(words: readonly string[], says: RegExp): Promise<void> {
  const { code, out, err } = await payments(words);
  assert.deepEqual([code, out], [1, ''], err);
  assert.match(err, says);
}

/** An attempt may be under way at the moment: then an action is refused, and says so. */
async function once(code: 0 | 1, words: readonly string[]): Promise<Ended> {
  let ended: Ended | undefined;
  await waitUntil(words.join(' '), async () => {
    ended = await payments(words);
    return ended.code === code && !ended.err.includes('under way');
  });
  return ended as Ended;
}

test(`a payment that is set aside is listed, shown and sent to the other processor ${AGAIN}`, async () => {
  const bad = await setAside(1);
  accepted.push(bad);
  const { id } = bad;
  const listed = await payments(['stuck', '--admin', socketOf(0)]);
  assert.equal(listed.code, 0, listed.err);
  assert.match(listed.out, new RegExp(`^${id}  set aside`, 'm'));
  const declined = await once(0, ['send', id, '--to', 'default', ...why]);
  assert.match(declined.out, /: done: it was sent to default; now: /);
  await once(0, ['retry', id, '--admin', socketOf(0)]);
  await world.processors[1]?.levers.setFault({ kind: 'none' });
  await waitUntil('it is sent and taken', async () => {
    await payments(['send', id, '--to', 'fallback', ...why]);
    return (await statusOf(id)).state === 'settled';
  });
  const shown = await payments(['show', id, '--admin', socketOf(1)]);
  assert.match(shown.out, /^state +settled$/m);
  assert.match(shown.out, /the test says so/);
  for (const action of [['retry'], ['send', '--to', 'default'], ['give-up', '--yes']]) {
    await fails([...action, id, ...why], /: gone: it is settled already$/m);
  }
  await heal(world.processors);
  await audit(world, accepted);
});

test(`a payment is given up once, and the reason is kept ${AGAIN}`, async () => {
  const { id } = await setAside(0);
  const words = ['give-up', id, '--yes', ...why];
  await once(0, words);
  assert.equal((await statusOf(id)).state, 'given up');
  await fails(words, /: gone: it is given up already$/m);
  const { out } = await payments(['actions', '--json', '--admin', socketOf(1)]);
  const { actions } = JSON.parse(out) as { actions: { action: string; correlationId: string }[] };
  assert.deepEqual([actions[0]?.action, actions[0]?.correlationId], ['give up', id]);
  await heal(world.processors);
});

test(`a payment of unknown outcome is retried, sent nowhere else, and given up knowingly ${AGAIN}`, async () => {
  await failBad('hang');
  const { id } = await pay(idOf(1));
  await waitUntil('its outcome is unknown', async () => (await statusOf(id)).unknown === true);
  const listed = await payments(['stuck', '--admin', socketOf(0)]);
  assert.match(listed.out, new RegExp(`^${id}  outcome unknown`, 'm'));
  const elsewhere = await once(1, ['send', id, '--to', 'fallback', ...why]);
  assert.match(elsewhere.err, /not done: \w+ may hold it/);
  await once(0, ['retry', id, ...why]);
  const giveUp = ['give-up', id, '--yes', ...why];
  const refused = await once(1, giveUp);
  assert.match(refused.err, /not done: a processor may have charged it.* \(--may-be-charged\)$/m);
  await once(0, [...giveUp, '--may-be-charged']);
  await becomes(id, 'given up');
  const { out } = await payments(['show', id, '--admin', socketOf(0)]);
  assert.match(out, /^may be charged +true$/m);
  await heal(world.processors);
});

test(`without the ledger nothing is done, and a 1 says so ${AGAIN}`, async () => {
  const bad = await setAside(0);
  accepted.push(bad);
  const lock = await holdPayments(world.databaseUrl, 'operator_actions');
  for (const action of [['retry'], ['send', '--to', 'default'], ['give-up', '--yes']]) {
    const { err } = await once(1, [...action, bad.id, ...why]);
    assert.match(err, /the ledger can not record the action, so nothing was done/);
  }
  await lock.release();
  await heal(world.processors);
  await audit(world, accepted);
});

test(`the API, and an id that nobody has seen, are told apart ${AGAIN}`, async () => {
  const bad = await setAside(0);
  accepted.push(bad);
  const api = ['--admin', world.instance(0).socketPath];
  const unseen = idOf(0);
  const shown = await payments(['show', unseen, '--admin', socketOf(1)]);
  assert.equal(shown.code, 1);
  assert.match(shown.err, /^nobody has seen /);
  await fails(['retry', unseen, ...why], /: gone: nobody has seen it$/m);
  for (const action of [['retry'], ['give-up', '--yes', ...who]]) {
    await fails([...action, bad.id, ...api], /is not an admin server: it has no \/live$/m);
  }
  await fails(['show', bad.id, ...api], /^\S+ is not an admin server: it has no \/live$/m);
  await fails(['list', ...api], /is it an admin server, and of this version\?$/m);
  await heal(world.processors);
  await audit(world, accepted);
});

test(`of an instance that is away the journal tells, and the list is not whole ${AGAIN}`, async () => {
  const bad = await setAside(1);
  accepted.push(bad);
  const given = await setAside(1);
  const lock = await holdPayments(world.databaseUrl, 'given_up');
  const { out: planned } = await once(0, ['give-up', given.id, '--yes', ...why]);
  assert.match(planned, /: planned: /);
  const { journalPath } = world.instance(1);
  const running = await payments(['journal', journalPath]);
  assert.match(running.err, /has this journal open/);
  assert.match(running.out, new RegExp(`^${given.id}  giving up`, 'm'));
  await world.instance(1).kill();
  const list = await payments(['list', '--json', '--admin', socketOf(0)]);
  assert.equal(list.code, 1);
  assert.match(list.err, /^instance 1 did not answer/);
  assert.deepEqual((JSON.parse(list.out) as { unreachable: number[] }).unreachable, [1]);
  await fails(['retry', bad.id, ...why], /not done: another instance does not answer/);
  const before = readFileSync(journalPath);
  const { code, out, err } = await payments(['journal', journalPath]);
  assert.deepEqual([code, err], [0, '']);
  for (const [id, state] of [
    [bad.id, 'held'],
    [given.id, 'giving up'],
  ]) {
    assert.match(out, new RegExp(`^${id}  ${state}`, 'm'));
  }
  assert.ok(readFileSync(journalPath).equals(before));
  await heal(world.processors);
  await world.instance(1).restart({ ADMIN_LISTEN: socketOf(1) });
  await lock.release();
  await becomes(given.id, 'given up');
  await audit(world, accepted);
});

test(`on a port the token decides ${AGAIN}`, async () => {
  const bad = await setAside(0);
  accepted.push(bad);
  const port = `127.0.0.1:${await freePort()}`;
  const open = `127.0.0.1:${await freePort()}`;
  for (const [number, address, token] of [
    [0, port, { ADMIN_TOKEN: TOKEN }],
    [1, open, {}],
  ] as const) {
    const instance = world.instance(number);
    await instance.kill('SIGTERM');
    await instance.restart({ ADMIN_LISTEN: `${socketOf(number)},${address}`, ...token });
    await instance.becomes('agreed');
  }
  const retry = ['retry', bad.id, '--admin', port];
  const none = await payments(retry);
  assert.deepEqual([none.code, none.out], [2, '']);
  assert.match(none.err, /refuses \(401\): .*; ADMIN_TOKEN is not set$/m);
  const wrong = await payments(retry, { ADMIN_TOKEN: `${TOKEN}x` });
  assert.deepEqual([wrong.code, wrong.out], [2, '']);
  assert.match(wrong.err, /refuses \(401\): .*; ADMIN_TOKEN is another token$/m);
  assert.doesNotMatch(wrong.err, new RegExp(TOKEN));
  const right = await payments(['list', '--admin', port], { ADMIN_TOKEN: TOKEN });
  assert.equal(right.code, 0, right.err);
  assert.equal((await payments(['list', '--admin', open])).code, 0);
  const action = await payments(['retry', bad.id, '--admin', open]);
  assert.deepEqual([action.code, action.out], [2, '']);
  assert.match(action.err, /refuses \(403\): a port takes no actions without ADMIN_TOKEN/);
  await heal(world.processors);
  await audit(world, accepted);
});
