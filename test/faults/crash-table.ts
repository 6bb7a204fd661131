// The table of docs/CRASHES.md in a form that a test
// can check: for each row its points, what is left, and how many requests repair it.

import type { Environment } from '../world/instances.ts';
import { waitUntil } from '../world/wait-until.ts';
import type { World } from '../world/world.ts';
import type { CrashPoint } from './crash-at.ts';
import type { Traces } from './crash.ts';

export interface Crash {
  readonly points: readonly CrashPoint[];
  readonly trouble?: (world: World) => Promise<void> | void;
  /** Between the arrival of its request and the answer. */
  readonly whileSent?: (world: World) => void;
  readonly left: Traces & {
    readonly answer: number | 'none';
    readonly journal: 'nothing' | 'held' | 'pinned' | 'charged';
    readonly torn?: number;
  };
  readonly clientRepeats?: boolean;
  /** Of the start after it. */
  readonly environment?: (world: World) => Environment;
  /** 'both': each processor was asked at least once. */
  readonly repaired: { readonly sent: number; readonly askedAbout: number | 'both' };
  /** When all is settled. */
  readonly aftermath?: (world: World) => Promise<void>;
}

const nowhere = { sent: 0, askedAbout: 0, charged: 0, recorded: 0 };
const atProcessor = { ...nowhere, sent: 1, charged: 1 };
const sentOnce = { sent: 1, askedAbout: 0 };
const askedFirst = { sent: 1, askedAbout: 1 };

const pastTheGap = (world: World): Environment => ({ DATABASE_URL: world.databaseUrl });

const declining = (world: World): Promise<void> => world.default.levers.setFailing(true);

/** By the first two columns: after what, and before what. One payment's way. */
export const ROWS: Readonly<Record<string, readonly Crash[]>> = {
  "reading the request | the journal's write (`hold`)": [
    {
      points: ['request read', 'before hold'],
      left: { ...nowhere, answer: 'none', journal: 'nothing' },
      clientRepeats: true,
      repaired: sentOnce,
    },
  ],
  '`hold` | the 202': [
    {
      points: ['after hold', 'before 202'],
      left: { ...nowhere, answer: 'none', journal: 'held' },
      clientRepeats: true,
      repaired: sentOnce,
    },
  ],
  'the 202 | the pin': [
    {
      points: ['after 202', 'before pin'],
      left: { ...nowhere, answer: 202, journal: 'held' },
      repaired: sentOnce,
    },
  ],
  'the pin | the request leaves': [
    {
      points: ['after pin', 'before charge'],
      left: { ...nowhere, answer: 202, journal: 'pinned' },
      repaired: askedFirst,
    },
  ],
  'the request left | it arrives': [
    {
      points: ['charge sent'],
      trouble: (world) => world.gaps.default.hold('requests'),
      left: { ...nowhere, answer: 202, journal: 'pinned' },
      // Past the gap, in which the first request still is.
      environment: (world) => ({ PROCESSOR_DEFAULT_URL: world.default.url }),
      repaired: askedFirst,
      aftermath: async (world) => {
        world.gaps.default.release();
        await waitUntil('the late one is a duplicate', async () => {
          return (await world.default.levers.attempts()).posts.duplicate === 1;
        });
      },
    },
  ],
  'the request arrived | its answer': [
    {
      points: ['charge sent', 'charge answered'],
      left: { ...atProcessor, answer: 202, journal: 'pinned' },
      repaired: askedFirst,
    },
  ],
  'the answer "declined" | the unpin\'s write': [
    {
      points: ['after charge', 'before unpin'],
      trouble: declining,
      left: { ...nowhere, sent: 1, answer: 202, journal: 'pinned' },
      repaired: { sent: 2, askedAbout: 1 },
    },
  ],
  'the answer "charged" | the ledger\'s commit': [
    {
      points: ['after charge', 'before record'],
      left: { ...atProcessor, answer: 202, journal: 'pinned' },
      repaired: askedFirst,
    },
  ],
  "`charged`, as the ledger takes long | the ledger's commit": [
    {
      points: ['after charged'],
      whileSent: (world) => world.gaps.database.hold(),
      left: { ...atProcessor, answer: 202, journal: 'charged' },
      environment: pastTheGap,
      // Nobody needs its processor to record it.
      repaired: sentOnce,
    },
  ],
  "the ledger's commit | its answer, or the slot's `release`": [
    {
      points: ['after record', 'before release'],
      left: { ...atProcessor, recorded: 1, answer: 202, journal: 'pinned' },
      repaired: sentOnce,
    },
  ],
  'half of a write to the journal | the other half': [
    {
      points: ['in hold'],
      left: { ...nowhere, answer: 'none', journal: 'nothing', torn: 1 },
      clientRepeats: true,
      repaired: sentOnce,
    },
    {
      points: ['in pin'],
      left: { ...nowhere, answer: 202, journal: 'held', torn: 1 },
      // The torn cell may have said that an attempt left: so long it may be on its way.
      environment: () => ({ TIMEOUT_MAX_MS: '3000' }),
      repaired: { sent: 1, askedAbout: 'both' },
    },
    {
      points: ['in unpin'],
      trouble: declining,
      left: { ...nowhere, sent: 1, answer: 202, journal: 'pinned', torn: 1 },
      repaired: { sent: 2, askedAbout: 1 },
    },
    {
      points: ['in charged'],
      whileSent: (world) => world.gaps.database.hold(),
      left: { ...atProcessor, answer: 202, journal: 'pinned', torn: 1 },
      environment: pastTheGap,
      repaired: askedFirst,
    },
    {
      points: ['in release'],
      left: { ...atProcessor, recorded: 1, answer: 202, journal: 'pinned', torn: 1 },
      repaired: sentOnce,
    },
  ],
};

interface Row {
  readonly name: string;
  readonly points: readonly [CrashPoint, CrashPoint];
}

export const HAND_OVER: Row = {
  name: "a hand-over's request | its answer, or the slot's `release`",
  points: ['offer sent', 'before release'],
};

export const PURGE: Row = {
  name: "a purge's truncate | the last slot's `release`",
  points: ['after truncate', 'before second release'],
};
