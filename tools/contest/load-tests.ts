// The tests beside the contest's: a burst, a soak and faults. They send at a rate, however long the
// answers take, and their verdict is the audit, not the score.

import type { Pair } from '../audit/totals.ts';
import { CLIENT_TIMEOUT_MS, failing, ok, scaled, stage } from './plan.ts';
import type { Disturbance, PartName, Plan, Stage } from './plan.ts';

/** The ids of all payments are held in memory, here and at the processors. */
export const PAYMENTS_MAX = 2_000_000;
const QUIET_PER_SECOND = 50;
const SECONDS_OF = { burst: 40, faults: 90 } as const;
export const RATES = { burst: 1_500, soak: 300, faults: 200 } as const;

const COMMON = {
  amountCents: 1_990,
  feeBps: [500, 1_500] as Pair<number>,
  moneyFrom: 'backend',
  freshToken: false,
  checkEveryMs: 10_000,
  checkFromMs: 15_000,
  checkToMs: 1_500,
} as const;

type LoadName = 'burst' | 'soak' | 'faults';

export interface LoadSettings {
  /** Payments per second; of a burst at its height. */
  readonly rate: number;
  /** Of the soak. */
  readonly minutes: number;
  readonly scale: number;
}

export function loadPlanOf(name: LoadName, settings: LoadSettings): Plan {
  const { rate, scale } = settings;
  return scaled(
    {
      ...COMMON,
      name,
      // As many as can wait for an answer at once.
      usersMax: Math.ceil((rate * CLIENT_TIMEOUT_MS) / 1_000) + 10,
      rates: [{ atMs: 0, perSecond: rate }],
      stages: [stage(0, ok(0), ok(0))],
      disturbances: [],
      ...ownOf(name, settings),
    },
    scale,
  );
}

/** What is the test's own. */
function ownOf(
  name: LoadName,
  { rate, minutes }: LoadSettings,
): Pick<Plan, 'durationMs'> & Partial<Pick<Plan, 'rates' | 'stages' | 'disturbances'>> {
  switch (name) {
    case 'burst':
      return {
        durationMs: SECONDS_OF.burst * 1_000,
        rates: [
          { atMs: 0, perSecond: QUIET_PER_SECOND },
          { atMs: 10_000, perSecond: rate },
          { atMs: 20_000, perSecond: QUIET_PER_SECOND },
        ],
      };
    case 'soak':
      return { durationMs: Math.round(minutes * 60_000) };
    case 'faults':
      return {
        durationMs: SECONDS_OF.faults * 1_000,
        stages: FAULTY_PROCESSORS,
        disturbances: DISTURBANCES,
      };
  }
}

const FAULTY_PROCESSORS: readonly Stage[] = [
  stage(0, ok(0), ok(0)),
  stage(15, failing(0), ok(0)),
  stage(25, ok(0), failing(0)),
  stage(30, ok(0), ok(0)),
  stage(50, failing(100), failing(100)),
  stage(55, ok(1_000), ok(0)),
  stage(65, ok(0), ok(0)),
];

const kill = (atSeconds: number, part: PartName): Disturbance => ({
  atMs: atSeconds * 1_000,
  part,
  pauseMs: null,
});
const pause = (atSeconds: number, part: PartName, seconds: number): Disturbance => ({
  atMs: atSeconds * 1_000,
  part,
  pauseMs: seconds * 1_000,
});

/** Some while both processors work, some while one or both fail. */
const DISTURBANCES: readonly Disturbance[] = [
  kill(10, 'instance 0'),
  kill(20, 'instance 1'),
  kill(35, 'nginx'),
  kill(42, 'postgres'),
  kill(52, 'instance 0'),
  kill(58, 'instance 1'),
  pause(68, 'postgres', 3),
  pause(76, 'instance 0', 2),
  kill(82, 'postgres'),
];
