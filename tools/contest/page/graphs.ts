// Which graphs a run has, and what each one says.

import type { Pair } from '../../audit/totals.ts';
import { answerText } from '../answers.ts';
import type { Disturbed } from '../disturb.ts';
import type { Result } from '../result.ts';
import { LOAD } from '../sampler.ts';
import { backlogAt, othersAt, oursAt, type Point, type Series } from '../series.ts';
import type { Curve, Curves, Graph } from '../../page/graph.ts';
import { STAGES_ABOUT, stagesOf } from './stages.ts';
import { TONES } from '../../page/tones.ts';

const MIB = 2 ** 20;
const LOAD_ABOUT = 'The dashed lines are those of the load.';

type Shared = Pick<Graph, 'untilMs' | 'stages' | 'marks'>;

function sharedOf({ plan, stages, series, disturbed }: Result): Shared {
  const last = Math.max(0, ...series.windows.map(({ atMs }) => atMs + series.everyMs));
  const untilMs = Math.max(plan.durationMs, Math.min(last, plan.durationMs * 1.1));
  return {
    untilMs,
    stages: stagesOf(stages, untilMs),
    marks: disturbed.map((each) => ({ atMs: each.atMs, name: disturbedText(each) })),
  };
}

export const disturbedText = ({ part, pauseMs, atMs }: Disturbed): string =>
  `${(atMs / 1_000).toFixed(1)} s: ${part} ${
    pauseMs === null ? 'killed (-9)' : `paused for ${pauseMs / 1_000} s`
  }`;

export const timesOf = (points: readonly { readonly atMs: number }[]): number[] =>
  points.map(({ atMs }) => atMs);

export function backlogCurve({ points }: Series, look: Omit<Curve, 'values'>): Curves {
  return { atMs: timesOf(points), curves: [{ ...look, values: points.map(backlogAt) }] };
}

const countIn = ([onDefault, onFallback]: Pair<number>, processor?: 0 | 1): number => {
  if (processor === undefined) return onDefault + onFallback;
  return processor === 0 ? onDefault : onFallback;
};

/** Of one processor, or of both together; per second, between a point and the one before it. */
export function settledRates(points: readonly Point[], processor?: 0 | 1): (number | null)[] {
  return points.map(({ atMs, charged }, index) => {
    const before = points[index - 1];
    if (charged === null || !before?.charged) return null;
    const settled = Math.max(0, countIn(charged, processor) - countIn(before.charged, processor));
    return (settled * 1_000) / (atMs - before.atMs);
  });
}

export function p99Curve({ windows }: Series, look: Omit<Curve, 'values'>): Curves {
  return {
    atMs: timesOf(windows),
    curves: [{ ...look, values: windows.map((each) => each.p99Ms) }],
  };
}

export function graphsOf(result: Result): Graph[] {
  const { series } = result;
  const shared = sharedOf(result);
  const cpu = usageGraph(result, 'cpuPercent', {
    ...shared,
    title: 'CPU of the parts',
    unit: '% of one core',
    about:
      'How much of a core each part used. PostgreSQL and nginx count with all of their processes. ' +
      LOAD_ABOUT,
  });
  const memory = usageGraph(result, 'memoryBytes', {
    ...shared,
    title: 'Memory of the parts',
    unit: 'MiB',
    about:
      'Resident memory. What processes of one part share, such as the buffers of PostgreSQL, counts ' +
      `once. A part that is down has a gap. ${LOAD_ABOUT}`,
  });
  const sampled = series.points.length > 0 ? [backlogGraph(result), settledGraph(result)] : [];
  const used = cpu === null || memory === null ? [] : [cpu, machineGraph(result), memory];
  return [...sampled, latencyGraph(result), errorGraph(result), ...used].filter(
    (each) => each !== null,
  );
}

function backlogGraph(result: Result): Graph {
  return {
    ...sharedOf(result),
    title: 'Backlog',
    unit: 'payments',
    sets: [backlogCurve(result.series, { name: 'taken, not settled', tone: 'a', isFilled: true })],
    about:
      'Payments that were taken and that no processor had charged yet. It grows while the ' +
      'processors are slow or fail, and drains when they work again. What is left at the end earns ' +
      'nothing. A payment without an answer counts from when it was sent, if a processor charged ' +
      `it in the end. ${STAGES_ABOUT}`,
  };
}

function settledGraph(result: Result): Graph {
  const { points, windows, everyMs } = result.series;
  const rates = (processor: 0 | 1): (number | null)[] => settledRates(points, processor);
  const sentPerSecond = windows.map(({ accepted }) => (accepted * 1_000) / everyMs);
  const at = points.map(({ atMs }) => sentPerSecond[Math.floor(atMs / everyMs)] ?? null);
  const most = at.some((value) => value !== null);
  return {
    ...sharedOf(result),
    title: 'Settled by processor, beside accepted',
    unit: 'payments per second',
    sets: [
      {
        atMs: timesOf(points),
        curves: [
          { name: 'settled by default', tone: 'c', values: rates(0), isFilled: true },
          { name: 'settled by fallback', tone: 'b', values: rates(1), isFilled: true },
          ...(most ? [{ name: 'accepted', tone: 'f', values: at, isDashed: true } as const] : []),
        ],
      },
    ],
    about:
      'How many payments each processor charged in a second, as the processors count them, beside ' +
      'how many were accepted. Above the dashed line a backlog is drained. Every payment at the ' +
      `fallback costs its higher fee. ${STAGES_ABOUT}`,
  };
}

const FEW_AT_FIRST = 'Payments of the first seconds are few, so their p99 is one of them. ';

function latencyGraph(result: Result): Graph {
  const { plan, series } = result;
  const { windows } = series;
  return {
    ...sharedOf(result),
    title: 'Latency of accepted payments',
    unit: 'ms, logarithmic',
    isLogarithmic: true,
    sets: [
      {
        atMs: timesOf(windows),
        curves: [
          { name: 'p50', tone: 'c', values: windows.map(({ p50Ms }) => p50Ms) },
          { name: 'p90', tone: 'a', values: windows.map(({ p90Ms }) => p90Ms) },
          { name: 'p99', tone: 'b', values: windows.map(({ p99Ms }) => p99Ms) },
        ],
      },
    ],
    about:
      'How long POST /payments took, in each second: half of the answers were faster than p50, 99 ' +
      'of 100 faster than p99. The p99 should not rise when a processor is slow or a backlog ' +
      `drains. ${plan.rates === null ? FEW_AT_FIRST : ''}${STAGES_ABOUT}`,
  };
}

/** null when every payment was accepted. */
function errorGraph(result: Result): Graph | null {
  const { windows } = result.series;
  const kinds = [...new Set(windows.flatMap(({ failed }) => Object.keys(failed)))].toSorted();
  if (kinds.length === 0) return null;
  const curves = kinds.slice(0, TONES.length).map((kind, index): Curve => {
    const tone = TONES[(index + 7) % TONES.length] ?? 'a';
    const values = windows.map(({ failed }) => failed[kind] ?? 0);
    return { name: answerText(kind), tone, values, isFilled: true };
  });
  return {
    ...sharedOf(result),
    title: 'Payments that were not accepted',
    unit: `in ${result.series.everyMs / 1_000} s`,
    isStacked: true,
    sets: [{ atMs: timesOf(windows), curves }],
    about:
      'By the answer. A 503 says that the payment was not taken: its sender may send it again. ' +
      'After a time-out or a broken connection that is not known, and the audit allows for both.',
  };
}

function usageGraph(
  { series }: Result,
  figure: 'cpuPercent' | 'memoryBytes',
  about: Omit<Graph, 'sets'>,
): Graph | null {
  const { points } = series;
  const parts = [...new Set(points.flatMap(({ usage }) => Object.keys(usage)))];
  if (parts.length === 0) return null;
  const curves = parts.slice(0, TONES.length).map((part, index): Curve => {
    const values = points.map(({ usage }) => {
      const value = usage[part]?.[figure];
      return value === undefined || value === null
        ? null
        : value / (figure === 'memoryBytes' ? MIB : 1);
    });
    return { name: part, tone: TONES[index] ?? 'a', values, isDashed: LOAD.includes(part) };
  });
  return { ...about, sets: [{ atMs: timesOf(points), curves }] };
}

/** null where it could not be read. */
function machineGraph(result: Result): Graph | null {
  const { points } = result.series;
  if (points.every(({ machineCpuPercent }) => machineCpuPercent === null)) return null;
  const { cores } = result.surroundings;
  const curves: Curve[] = [
    { name: 'the parts and the load', tone: 'a', values: points.map(oursAt), isFilled: true },
    { name: 'other programs', tone: 'h', values: points.map(othersAt), isFilled: true },
  ];
  return {
    ...sharedOf(result),
    title: 'CPU of the whole machine',
    unit: '% of one core',
    isStacked: true,
    sets: [{ atMs: timesOf(points), curves }],
    about:
      `Near ${100 * cores} % (${cores} cores) latencies show waiting for the CPU, also of k6 ` +
      'itself. What other programs use is noise.',
  };
}
