// Another session has the lock on a place. The lock is tried for at once. The other session is
// ended only after its mark stood still for longer than a running instance leaves it, and is left
// alone once the mark moves.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_FILTER } from '../../src/buffer/journal-header.ts';
import { LOST, type InstanceEntry, type Registration } from '../../src/ledger/register.ts';
import { Place } from '../../src/membership/place.ts';

const OWN = 7;

/** A place whose lock another session has, with that one's mark; the clock is ours. */
class Scene {
  nowMs = 0;
  gaps = 0;
  isTaken = true;
  isAway = false;
  mark = 5;
  journal = String(OWN);
  asked: boolean[] = [];
  readonly place: Place;
  drop: () => void = () => {};

  constructor() {
    let header = {
      instance: 0,
      instances: 1,
      slots: 100,
      journalId: OWN,
      isBound: true,
      ledgerId: 'a',
      mark: 5,
      claimed: 5,
      ...NO_FILTER,
    };
    const writeHeader = (changed: typeof header): void => {
      header = changed;
    };
    this.place = new Place({
      clock: { now: () => this.nowMs, elapsed: () => this.nowMs } as never,
      instance: 0,
      instances: 1,
      journal: {
        get header() {
          return header;
        },
        writeHeader,
        onDisk: () => Promise.resolve(),
      },
      ring: { used: 0 },
      register: this.#register(),
      onOlderCopy: () => {},
      onGap: () => {
        this.gaps++;
      },
    });
  }

  /** What it says at the next look, `afterMs` later. */
  async look(afterMs: number): Promise<string> {
    this.nowMs += afterMs;
    const told = await this.place.claim(false).catch((error: Error) => ({ reason: error.message }));
    return 'reason' in told ? told.reason : 'agreed';
  }

  #register() {
    const register = {
      isLocked: false,
      read: (): Promise<Registration> => {
        if (this.isAway) return Promise.reject(new Error('away'));
        const { mark, journal } = this;
        const entry: InstanceEntry = { journal, mark, held: 0, state: 'running' };
        return Promise.resolve({ ledgerId: 'a', instances: 1, drains: false, entry });
      },
      initialize: () => Promise.resolve(),
      lock: (endsEarlier: boolean) => {
        this.asked.push(endsEarlier);
        if (endsEarlier) this.isTaken = false;
        register.isLocked = !this.isTaken;
        return Promise.resolve(register.isLocked);
      },
      write: (entry: InstanceEntry) => {
        this.mark = entry.mark;
        return Promise.resolve();
      },
      close: () => {
        register.isLocked = false;
      },
    };
    this.drop = register.close;
    return register;
  }
}

test('a session that ends by itself soon is waited for and not ended', async () => {
  const scene = new Scene();
  assert.match(await scene.look(0), /another process has the place/);
  scene.isTaken = false;
  assert.equal(await scene.look(1_000), 'agreed');
  assert.deepEqual(scene.asked, [false, false]);
  assert.equal(scene.gaps, 0);
});

test('a session that stands still is ended after half a minute in which the ledger answers', async () => {
  const scene = new Scene();
  await scene.look(0);
  assert.match(await scene.look(29_000), /another process has the place/);
  scene.isAway = true;
  assert.equal(await scene.look(500), 'away');
  scene.isAway = false;
  assert.match(await scene.look(10_000), /another process has the place/);
  assert.match(await scene.look(29_000), /another process has the place/);
  assert.deepEqual(scene.asked, [false]);
  assert.equal(await scene.look(1_000), 'agreed');
  assert.deepEqual(scene.asked, [false, true]);
});

test('once the mark moves the lock is left alone, even when nobody has it, until the operator says "lost"', async () => {
  const scene = new Scene();
  await scene.look(0);
  scene.mark++;
  assert.match(await scene.look(10_000), /another copy of this instance runs/);
  scene.isTaken = false;
  for (let n = 0; n < 5; n++) {
    assert.match(await scene.look(60_000), /another copy of this instance runs/);
  }
  assert.deepEqual(scene.asked, [false]);
  scene.journal = LOST;
  assert.equal(await scene.look(1_000), 'agreed');
  // Another process may have settled payments.
  assert.equal(scene.gaps, 1);
});

test('an instance that had the place takes it again at once, and ends no session whose mark moved', async () => {
  const scene = new Scene();
  scene.isTaken = false;
  assert.equal(await scene.look(0), 'agreed');
  scene.isTaken = true;
  // The connection is lost, and PostgreSQL has not noticed.
  scene.drop();
  assert.match(await scene.look(2_000), /a session that was lost/);
  scene.isTaken = false;
  assert.equal(await scene.look(20_000), 'agreed');
  scene.drop();
  scene.mark++;
  assert.match(await scene.look(2_000), /another copy of this instance runs/);
  assert.equal(await scene.look(60_000), 'another copy of this instance runs');
  assert.ok(!scene.asked.includes(true));
});

test('an instance that starts while the ledger is away lets the running one come back first', async () => {
  const scene = new Scene();
  scene.isAway = true;
  assert.equal(await scene.look(0), 'away');
  scene.isAway = false;
  scene.isTaken = false;
  assert.match(await scene.look(250), /the ledger was away/);
  scene.mark++;
  assert.match(await scene.look(2_000), /the journal is an older copy/);
  assert.deepEqual(scene.asked, []);

  const alone = new Scene();
  alone.isAway = true;
  await alone.look(0);
  alone.isAway = false;
  alone.isTaken = false;
  await alone.look(250);
  assert.equal(await alone.look(5_000), 'agreed');
});
