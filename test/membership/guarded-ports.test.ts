// The guarded ports of an engine: closed until its membership is agreed, and all of one kind.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInThisContext } from 'node:vm';
import { IDLE_CPU } from '../../src/cpu.ts';
import { guarded } from '../../src/membership/guarded-ports.ts';
import type { Membership } from '../../src/membership/membership.ts';
import type { Ports } from '../../src/ports.ts';
import { MemoryJournalFile } from '../buffer/memory-journal-file.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';

type State = Membership['state'];

const ID = '00000000-0000-0000-0000-000000000001';
const CHARGE = { correlationId: ID, amountCents: 1_990, requestedAtMs: 0 };
const PAGE = { ids: new Uint32Array(), last: undefined };
const agreed = Promise.resolve();
const nothing = (): void => {};

/** Ports that note each question that reaches them in `asked`. */
function make() {
  const asked: string[] = [];
  const answer =
    <T>(name: string, value: T) =>
    (): Promise<T> => {
      asked.push(name);
      return Promise.resolve(value);
    };
  const processor = {
    charge: answer('charge', { outcome: 'charged', status: 200, excerpt: '' } as const),
    lookup: answer('lookup', { held: CHARGE, status: 200, excerpt: '' }),
    health: answer('health', undefined),
  };
  const ports: Ports = {
    clock: new VirtualClock(),
    cpu: IDLE_CPU,
    journalFile: new MemoryJournalFile(0),
    processors: [processor, processor],
    ledger: {
      connect: answer('connect', { record: () => Promise.resolve(0), close: nothing }),
      find: answer('find', []),
      idsAfter: answer('idsAfter', PAGE),
      repairsAfter: answer('repairsAfter', []),
      recordAnomalies: answer('recordAnomalies', undefined),
      recordAction: answer('recordAction', undefined),
      giveUp: answer('giveUp', 'given up' as const),
    },
    offer: answer('offer', 'accepted' as const),
    isOurs: answer('isOurs', true),
    log: { info: nothing, warn: nothing, error: nothing },
    onFatal: nothing,
  };
  return { asked, ports };
}

const memberOf = (state: State): Membership =>
  ({
    state,
    agreed,
    requireAgreed: () => (state === 'agreed' ? agreed : Promise.reject(new Error(state))),
  }) as Membership;

const agreedMember = (): Membership => memberOf('agreed');

const reversed = <T extends object>(object: T): T =>
  Object.fromEntries(Object.entries(object).toReversed()) as T;

/** As the engine's parts take the ports. */
const extended = (given: Ports): object => ({ ...given, slot: 1 });

/** Uses every port that asks somebody about a payment. Resolves with each answer, or 'failed'. */
async function useAll({ ledger, offer, processors }: Ports): Promise<unknown[]> {
  const answers = await Promise.allSettled([
    ledger.find([ID]),
    ledger.idsAfter({} as never),
    ledger.repairsAfter('0', 1),
    ledger.recordAction({} as never),
    ledger.giveUp({} as never),
    offer(1, ID, 1_990, false),
    processors[0].lookup(ID, 1_000),
  ]);
  return answers.map((one) => (one.status === 'fulfilled' ? one.value : 'failed'));
}

test('until the membership is agreed nobody is asked about a payment', async () => {
  for (const state of ['pending', 'disagreed'] as const) {
    const { asked, ports } = make();
    const closed = guarded(ports, () => memberOf(state));
    const unknown = { held: 'unknown', status: 0, excerpt: '' };
    const failed = Array<string>(5).fill('failed');
    assert.deepEqual(await useAll(closed), [...failed, 'away', unknown], state);
    assert.deepEqual(asked, []);
  }
});

test('once it is agreed every question goes through', async () => {
  const { asked, ports } = make();
  let state: State = 'pending';
  const open = guarded(ports, () => memberOf(state));
  state = 'agreed';
  const held = { held: CHARGE, status: 200, excerpt: '' };
  const expected = [[], PAGE, [], undefined, 'given up', 'accepted', held];
  assert.deepEqual(await useAll(open), expected);
  assert.equal(asked.length, expected.length);
});

test('in whatever order a caller names its ports, an engine has one kind of object', () => {
  // V8 compiles for kinds of objects: the warm-up's must be those of an instance.
  setFlagsFromString('--allow-natives-syntax');
  const isSameKind = runInThisContext('(a, b) => %HaveSameMap(a, b)') as (
    ...objects: readonly [object, object]
  ) => boolean;
  const { ports } = make();
  const others = reversed({ ...ports, filterFile: undefined, ledger: reversed(ports.ledger) });
  const [one, other] = [guarded(ports, agreedMember), guarded(others, agreedMember)];
  assert.equal(isSameKind(ports, others), false);
  assert.equal(isSameKind(one, other), true);
  assert.equal(isSameKind(one.ledger, other.ledger), true);
  assert.equal(isSameKind(extended(one), extended(other)), true);
});
