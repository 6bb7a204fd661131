// The two tests of the contest as tables: what is sent, what the processors do when, what counts.
// A plan is a test with its times scaled; delays, time-outs and the checker's lag are not scaled.

import type { Lever } from '../audit/endpoints.ts';
import type { Pair } from '../audit/totals.ts';

export type ContestName = 'preview' | 'final';
export type TestName = ContestName | 'burst' | 'soak' | 'faults';

export interface Stage {
  /** From the start of the test. */
  readonly atMs: number;
  readonly levers: Pair<Lever>;
}

/** From `atMs` on, so many payments are sent in a second. */
interface RateStep {
  readonly atMs: number;
  readonly perSecond: number;
}

export type PartName = 'instance 0' | 'instance 1' | 'nginx' | 'postgres';

/** A part is killed (-9), or paused for `pauseMs`. */
export interface Disturbance {
  readonly atMs: number;
  readonly part: PartName;
  readonly pauseMs: number | null;
}

export interface ContestTest {
  readonly name: ContestName;
  readonly durationMs: number;
  /** The virtual users grow from 1 to this over the whole duration. */
  readonly usersMax: number;
  readonly amountCents: number;
  readonly feeBps: Pair<number>;
  /** Whose summary says what was earned. */
  readonly moneyFrom: 'backend' | 'processors';
  readonly freshToken: boolean;
  readonly checkEveryMs: number;
  /** The checker looks at `requestedAt` from now − checkFromMs to now − checkToMs. */
  readonly checkFromMs: number;
  readonly checkToMs: number;
  readonly stages: readonly Stage[];
}

export interface Plan extends Omit<ContestTest, 'name'> {
  readonly name: TestName;
  /** Payments per second; null in the contest's tests, whose users wait for their answers. */
  readonly rates: readonly RateStep[] | null;
  /** What happens to the parts of the system itself. */
  readonly disturbances: readonly Disturbance[];
  readonly scale: number;
  /** Between two tries of the summary before the run. */
  readonly readyEveryMs: number;
}

export const CLIENT_TIMEOUT_MS = 1_500;
export const USER_SLEEP_MS = 1_000;
export const READY_TRIES = 15;
const READY_EVERY_MS = 5_000;

export const ok = (delayMs: number): Lever => ({ delayMs, failing: false });
export const failing = (delayMs: number): Lever => ({ delayMs, failing: true });
export const stage = (atSeconds: number, ...levers: Pair<Lever>): Stage => ({
  atMs: atSeconds * 1_000,
  levers,
});

export const TESTS: Readonly<Record<ContestName, ContestTest>> = {
  preview: {
    name: 'preview',
    durationMs: 60_000,
    usersMax: 550,
    amountCents: 1_990,
    feeBps: [500, 1_500],
    moneyFrom: 'backend',
    freshToken: false,
    checkEveryMs: 10_000,
    checkFromMs: 15_000,
    checkToMs: 1_500,
    stages: [
      stage(1, ok(0), ok(0)),
      stage(10, ok(100), ok(0)),
      stage(20, failing(100), ok(0)),
      stage(30, failing(2_000), failing(1_000)),
      stage(40, ok(20), ok(20)),
      stage(50, ok(0), ok(5_000)),
    ],
  },
  final: {
    name: 'final',
    durationMs: 300_000,
    usersMax: 603,
    amountCents: 2_005,
    feeBps: [700, 1_000],
    moneyFrom: 'processors',
    freshToken: true,
    checkEveryMs: 10_000,
    checkFromMs: 15_000,
    checkToMs: 2_000,
    stages: [
      stage(1, ok(0), ok(0)),
      stage(30, ok(1_000), ok(0)),
      stage(60, ok(500), ok(0)),
      stage(90, failing(2_000), ok(1_000)),
      stage(120, failing(5_000), ok(5)),
      stage(150, ok(0), failing(5)),
      stage(180, ok(100), ok(5)),
      stage(210, ok(50), ok(0)),
      stage(240, ok(103), ok(10)),
      stage(270, ok(2_000), ok(0)),
    ],
  },
};

/** For the command line. */
export const SCALE_OPTION = {
  about: 'length of the test: 0.2 is a fifth of it',
  preset: 1,
  least: 0.001,
  most: 10,
  fraction: true,
} as const;

/** `scale` is above 0; 1 is the contest's own pace. */
export const planOf = (name: ContestName, scale: number): Plan =>
  scaled({ ...TESTS[name], rates: null, disturbances: [] }, scale);

type Unscaled = Omit<Plan, 'scale' | 'readyEveryMs'>;

export function scaled(test: Unscaled, scale: number): Plan {
  const part = (ms: number): number => Math.max(1, Math.round(ms * scale));
  const earlier = <T extends { readonly atMs: number }>(each: T): T => ({
    ...each,
    atMs: each.atMs === 0 ? 0 : part(each.atMs),
  });
  return {
    ...test,
    scale,
    durationMs: part(test.durationMs),
    checkEveryMs: part(test.checkEveryMs),
    // Only the window is scaled. The lag is what the backend is granted.
    checkFromMs: test.checkToMs + part(test.checkFromMs - test.checkToMs),
    readyEveryMs: part(READY_EVERY_MS),
    rates: test.rates?.map(earlier) ?? null,
    disturbances: test.disturbances.map(earlier),
    stages: test.stages.map(earlier),
  };
}

/** Whether the contest's score means anything for this test. */
export const isContest = ({ name }: Plan): boolean => name in TESTS;

/** The longest delay of a processor. */
export const delayMaxMs = ({ stages }: Pick<Plan, 'stages'>): number =>
  Math.max(...stages.flatMap(({ levers }) => levers.map(({ delayMs }) => delayMs)));
