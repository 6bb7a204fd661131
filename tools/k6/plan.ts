// The two tests of the contest as tables: what is sent, what the processors do when, what counts.
// A plan is such a test with its times scaled; delays, time-outs and the checker's lag never are.

export type TestName = 'preview' | 'final';

/** Something of each processor: [default, fallback]. */
export type Pair<T> = readonly [T, T];

export interface Lever {
  readonly delayMs: number;
  readonly failing: boolean;
}

export interface Stage {
  /** From the start of the test. */
  readonly atMs: number;
  readonly levers: Pair<Lever>;
}

export interface ContestTest {
  readonly name: TestName;
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

export interface Plan extends ContestTest {
  readonly scale: number;
  /** Between two tries of the summary before the run. */
  readonly readyEveryMs: number;
}

export const CLIENT_TIMEOUT_MS = 1_500;
export const USER_SLEEP_MS = 1_000;
export const READY_TRIES = 15;
const READY_EVERY_MS = 5_000;

const ok = (delayMs: number): Lever => ({ delayMs, failing: false });
const failing = (delayMs: number): Lever => ({ delayMs, failing: true });
const stage = (atSeconds: number, ...levers: Pair<Lever>): Stage => ({
  atMs: atSeconds * 1_000,
  levers,
});

export const TESTS: Readonly<Record<TestName, ContestTest>> = {
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

/** `scale` is above 0; 1 is the contest's own pace. */
export function planOf(name: TestName, scale: number): Plan {
  const test = TESTS[name];
  const scaled = (ms: number): number => Math.max(1, Math.round(ms * scale));
  return {
    ...test,
    scale,
    durationMs: scaled(test.durationMs),
    checkEveryMs: scaled(test.checkEveryMs),
    // The lag is what the backend is granted, not a time of the test: only the window shrinks.
    checkFromMs: test.checkToMs + scaled(test.checkFromMs - test.checkToMs),
    readyEveryMs: scaled(READY_EVERY_MS),
    stages: test.stages.map(({ atMs, levers }) => ({ atMs: scaled(atMs), levers })),
  };
}

/** The longest that a processor sleeps over a payment. */
export const delayMaxMs = ({ stages }: ContestTest): number =>
  Math.max(...stages.flatMap(({ levers }) => levers.map(({ delayMs }) => delayMs)));
