// A replay of a test of the contest on virtual time: its arrivals and stages, two real engines, and
// processors that behave like the contest's. What the policy earned is counted at the processors.

import type { Batch } from '../../src/ledger/batch.ts';
import type { JournalFile } from '../../src/buffer/journal.ts';
import { HEADER_BYTES, SLOT_BYTES } from '../../src/buffer/journal.ts';
import { readConfig, type Config } from '../../src/config/config.ts';
import { IDLE_CPU } from '../../src/cpu.ts';
import { Engine } from '../../src/engine.ts';
import { HealthMonitor } from '../../src/health-monitor.ts';
import { idToText, ownerOf } from '../../src/payment.ts';
import { USER_SLEEP_MS, type ContestTest } from '../../tools/contest/plan.ts';
import { StepClock } from './step-clock.ts';
import { AT_ONCE_MAX, OVERHEAD_MS, StagedProcessor } from './staged-processor.ts';

/** The contest's checker may look at a payment this long after its `requestedAt`. */
export const OLD_MS = 1_500;
const INSTANCES = 2;

export type Knobs = Readonly<Record<string, string | number>>;

export interface Result {
  readonly accepted: number;
  readonly onDefault: number;
  readonly onFallback: number;
  /** Accepted, and at no processor when the test ended. */
  readonly left: number;
  /** Stored later than OLD_MS after their `requestedAt`. */
  readonly old: number;
  /** The amounts after fees, divided by what they would be with everything on default. */
  readonly share: number;
  readonly meanS: number;
  readonly p99S: number;
}

/** When each payment arrives: users start one after the other, and post once a second. */
export function arrivalsOf({ durationMs, usersMax }: ContestTest): number[] {
  const times: number[] = [];
  for (let user = 1; user <= usersMax; user++) {
    const startMs = ((user - 1) / Math.max(1, usersMax - 1)) * durationMs;
    for (let atMs = startMs; atMs < durationMs; atMs += USER_SLEEP_MS + 1)
      times.push(Math.floor(atMs));
  }
  return times.toSorted((one, other) => one - other);
}

export async function replay(test: ContestTest, knobs: Knobs): Promise<Result> {
  const clock = new StepClock();
  const processors = [new StagedProcessor(clock), new StagedProcessor(clock)] as const;
  const engines = [0, 1].map((n) => openEngine(clock, processors, configOf(test, knobs, n)));
  let report = nothing as (text: string) => void;
  const election = {
    leadingSinceMs: 0,
    start: (onNotification: typeof report): void => void (report = onNotification),
    publish: (text: string): void => report(text),
    close: () => Promise.resolve(),
  };
  const reported: Engine['reported'] = (processor, health) =>
    engines.forEach((engine) => engine.reported(processor, health));
  const config = configOf(test, knobs, 0);
  const monitor = new HealthMonitor({ config, clock, processors, election, engine: { reported } });
  monitor.start();

  const arrivals = arrivalsOf(test);
  const id = Uint32Array.of(1, 0, 0, 0);
  let next = 0;
  const arrive = (): void => {
    const nowMs = clock.elapsed();
    for (const { atMs, levers } of test.stages) {
      if (atMs === nowMs)
        processors.forEach((processor, n) => (processor.lever = levers[n as 0 | 1]));
    }
    for (; next < arrivals.length && (arrivals[next] as number) <= nowMs; next++) {
      id[3] = next;
      const admitted = engines[ownerOf(id, INSTANCES)]?.admission.admit(
        id,
        test.amountCents,
        false,
      );
      if (admitted !== 'accepted') throw new Error(`payment ${next} was not accepted`);
    }
  };
  // An engine reads the settled ids before it accepts payments.
  await clock.step(() => engines.forEach((engine) => engine.start()));
  while (clock.elapsed() <= test.durationMs) await clock.step(arrive);
  monitor.stop();
  return resultOf(test, processors, arrivals);
}

function configOf(test: ContestTest, knobs: Knobs, instance: number): Config {
  const environment: Record<string, string> = {
    SOCKET_PATH: `/${instance}`,
    PEER_SOCKET_PATHS: '/0,/1',
    JOURNAL_PATH: '/journal',
    DATABASE_URL: 'postgres://nowhere/none',
    PROCESSOR_DEFAULT_URL: 'http://default',
    PROCESSOR_FALLBACK_URL: 'http://fallback',
    BLOOM_FILTER_MIB: '1',
    RING_SLOTS: '50000',
    FEE_DEFAULT_BPS: String(test.feeBps[0]),
    FEE_FALLBACK_BPS: String(test.feeBps[1]),
  };
  for (const [name, value] of Object.entries(knobs)) environment[name] = String(value);
  return readConfig(environment);
}

function openEngine(
  clock: StepClock,
  processors: readonly [StagedProcessor, StagedProcessor],
  config: Config,
): Engine {
  const recording = {
    record: ({ rows }: Batch): Promise<number> =>
      new Promise((resolve) => clock.after(1, () => resolve(rows))),
    close: (): void => {},
  };
  const engine = new Engine(config, {
    clock,
    cpu: IDLE_CPU,
    journalFile: memoryFile(HEADER_BYTES + config.RING_SLOTS * SLOT_BYTES),
    processors,
    ledger: {
      connect: () => Promise.resolve(recording),
      find: () => Promise.resolve([]),
      idsAfter: () => Promise.resolve({ ids: new Uint32Array(), last: undefined }),
      repairsAfter: () => Promise.resolve([]),
      recordAnomalies: () => Promise.resolve(),
      recordAction: () => Promise.resolve(),
      giveUp: () => Promise.resolve('given up'),
    },
    isOurs: () => Promise.resolve(true),
    offer: () => Promise.resolve('away'),
    log: { info: nothing, warn: nothing, error: nothing },
    onFatal: (error) => {
      throw error;
    },
  });
  engine.recover(true);
  return engine;
}

function memoryFile(bytes: number): JournalFile {
  const contents = Buffer.alloc(bytes);
  return {
    read: (buffer, position) => contents.copy(buffer, 0, position, position + buffer.length),
    write: (buffer, position) => contents.set(buffer, position),
    sync: () => Promise.resolve(),
  };
}

function resultOf(
  test: ContestTest,
  processors: readonly [StagedProcessor, StagedProcessor],
  arrivals: readonly number[],
): Result {
  const tookMs: number[] = [];
  let old = 0;
  const id = Uint32Array.of(1, 0, 0, 0);
  for (const [n, acceptedAtMs] of arrivals.entries()) {
    id[3] = n;
    const text = idToText(id);
    const copies = processors.filter(({ stored }) => stored.has(text)).length;
    if (copies > 1) throw new Error(`payment ${n} was charged twice`);
    const stored = processors[0].stored.get(text) ?? processors[1].stored.get(text);
    if (stored === undefined) continue;
    tookMs.push(stored.storedAtMs - acceptedAtMs);
    if (stored.storedAtMs - stored.requestedAtMs > OLD_MS) old++;
  }
  const counts = [processors[0].stored.size, processors[1].stored.size] as const;
  const sorted = tookMs.toSorted((one, other) => one - other);
  return {
    accepted: arrivals.length,
    onDefault: counts[0],
    onFallback: counts[1],
    left: arrivals.length - counts[0] - counts[1],
    old,
    share: shareOf(test, arrivals.length, counts),
    meanS: tookMs.reduce((sum, ms) => sum + ms, 0) / tookMs.length / 1_000,
    p99S: (sorted[Math.floor(sorted.length * 0.99)] ?? 0) / 1_000,
  };
}

function shareOf(test: ContestTest, accepted: number, counts: readonly [number, number]): number {
  const net = test.feeBps.map((fee) => 10_000 - fee) as [number, number];
  return (counts[0] * net[0] + counts[1] * net[1]) / (accepted * net[0]);
}

/**
 * What a policy could earn that knew the stages and the end: on default whatever can be stored
 * there in time, the rest on fallback. It uses default only if its delay is at most `delayMaxMs`.
 */
export function best(
  test: ContestTest,
  delayMaxMs: number,
): { share: number; onDefault: number; onFallback: number } {
  const arrivals = arrivalsOf(test);
  const ends = new Int32Array(test.durationMs + 20_000);
  let [next, waiting, busy, onDefault] = [0, 0, 0, 0];
  for (let nowMs = 0; nowMs <= test.durationMs; nowMs++) {
    busy -= ends[nowMs] as number;
    while (next < arrivals.length && (arrivals[next] as number) <= nowMs) {
      next++;
      waiting++;
    }
    const { delayMs } = leverAt(test, nowMs);
    const storedMs = nowMs + OVERHEAD_MS + delayMs;
    const isGood =
      delayMs <= delayMaxMs && storedMs <= test.durationMs && !leverAt(test, storedMs).failing;
    if (!isGood) continue;
    const sent = Math.min(waiting, AT_ONCE_MAX - busy);
    waiting -= sent;
    busy += sent;
    onDefault += sent;
    ends[storedMs] = (ends[storedMs] as number) + sent;
  }
  const onFallback = arrivals.length - onDefault;
  return { share: shareOf(test, arrivals.length, [onDefault, onFallback]), onDefault, onFallback };
}

function leverAt({ stages }: ContestTest, atMs: number): { delayMs: number; failing: boolean } {
  return (
    stages.findLast((stage) => stage.atMs <= atMs)?.levers[0] ?? { delayMs: 0, failing: false }
  );
}

function nothing(): void {}
