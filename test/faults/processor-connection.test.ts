// The connections to the default processor, or to both, fail in the middle of requests, in every
// way that a network can fail. Whether a request took effect is unknown: that processor is asked
// about the payment, and the payment is charged once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AGAIN } from '../buffer/seed.ts';
import { audit, chargedAt } from '../world/audit.ts';
import type { GapProxy } from '../world/gap-proxy.ts';
import type { Status } from '../world/instances.ts';
import { waitUntil } from '../world/wait-until.ts';
import { Load } from './load.ts';
import { openStage } from './stage.ts';

// POLICY=eager keeps sending to a processor that misbehaves. Without retries, a payment wrongly
// taken for declined is charged at the other processor at once.
const { world, random, book } = await openStage({
  gaps: true,
  front: false,
  environment: {
    POLICY: 'eager',
    RETRIES: '0',
    TIMEOUT_DEFAULT_MS: '300',
    TIMEOUT_FALLBACK_MS: '300',
  },
});
// So that some requests are always under way.
for (const { levers } of world.processors) await levers.setDelay(30);

const sum = async (name: 'held' | 'unknown'): Promise<number> => {
  const each = await Promise.all(world.instances.map((instance) => instance.status()));
  return each.reduce((total, status: Status) => total + status[name], 0);
};

/** How many questions after lost answers reached the processors. */
const askedAbout = async (): Promise<number> => {
  const each = await Promise.all(world.processors.map(({ levers }) => levers.attempts()));
  return each.reduce((total, { lookups }) => total + lookups.received, 0);
};

const charged = async (): Promise<number> => {
  const at = await chargedAt(world);
  return at.default + at.fallback;
};

const atEach = (gaps: readonly GapProxy[], befall: (gap: GapProxy) => void): void => {
  for (const gap of gaps) befall(gap);
};

/** Leaves answers held back. */
async function chargedUnheard(gaps: readonly GapProxy[]): Promise<void> {
  const chargedBefore = await charged();
  atEach(gaps, (gap) => gap.hold('answers'));
  await waitUntil('some are charged and nobody knows', async () => {
    return (await charged()) > chargedBefore && (await sum('held')) > 0;
  });
}

async function manyUnknown(): Promise<void> {
  await waitUntil('many outcomes are unknown', async () => (await sum('unknown')) >= 30);
}

/** Again and again until it struck a request under way, which has to be asked about. */
async function untilAsked(befall: () => void): Promise<void> {
  const askedBefore = await askedAbout();
  const strike = async (): Promise<boolean> => {
    befall();
    return (await askedAbout()) > askedBefore;
  };
  await waitUntil('outcomes were unknown and asked about', strike, { everyMs: 100 });
}

const faults: Readonly<Record<string, (gaps: readonly GapProxy[]) => Promise<void>>> = {
  'a reset': (gaps) => untilAsked(() => atEach(gaps, (gap) => gap.reset())),
  'a close': (gaps) => untilAsked(() => atEach(gaps, (gap) => gap.cut())),
  'answers held back, then a reset': async (gaps) => {
    await chargedUnheard(gaps);
    atEach(gaps, (gap) => gap.reset());
    atEach(gaps, (gap) => gap.release());
  },
  'answers held back for longer than the time-out': async (gaps) => {
    atEach(gaps, (gap) => gap.hold('answers'));
    await manyUnknown();
    atEach(gaps, (gap) => gap.release());
  },
  // They arrive when they were given up long ago, and may be repeated by then.
  'requests held back for longer than the time-out': async (gaps) => {
    atEach(gaps, (gap) => gap.hold('requests'));
    await manyUnknown();
    atEach(gaps, (gap) => gap.release());
  },
  'a black hole for requests': async (gaps) => {
    atEach(gaps, (gap) => gap.blackHole('requests'));
    await manyUnknown();
    atEach(gaps, (gap) => gap.release());
  },
  'a black hole for answers': async (gaps) => {
    atEach(gaps, (gap) => gap.blackHole('answers'));
    await manyUnknown();
    atEach(gaps, (gap) => gap.release());
  },
  'a black hole for everything': async (gaps) => {
    atEach(gaps, (gap) => gap.blackHole());
    await manyUnknown();
    atEach(gaps, (gap) => gap.release());
  },
  'a reset, and connections refused after it': async (gaps) => {
    await chargedUnheard(gaps);
    await Promise.all(gaps.map((gap) => gap.refuse()));
    const { fallback } = await chargedAt(world);
    atEach(gaps, (gap) => gap.reset());
    atEach(gaps, (gap) => gap.release());
    const isMissed = async (): Promise<boolean> =>
      gaps.length > 1 ? (await sum('held')) >= 100 : (await chargedAt(world)).fallback > fallback;
    await waitUntil('payments wait, or go to the other processor', isMissed);
    await Promise.all(gaps.map((gap) => gap.accept()));
  },
};

const victims = {
  'the default processor': () => [world.gaps.default],
  'both processors': () => [world.gaps.default, world.gaps.fallback],
};

for (const [fault, befall] of Object.entries(faults)) {
  for (const [name, gaps] of Object.entries(victims)) {
    test(`${fault} on the way to ${name} loses and doubles nothing ${AGAIN}`, async () => {
      const clients = world.instances.map(({ client }) => client);
      await using load = new Load({ clients, random, book });
      await load.more(30);
      const askedBefore = await askedAbout();
      await befall(gaps());
      await load.more(30);
      await load.stop();
      assert.deepEqual([...load.answers.keys()], [202], 'intake never noticed');
      await audit(world, book.accepted);
      assert.ok((await askedAbout()) > askedBefore, 'some outcomes were unknown');
    });
  }
}
