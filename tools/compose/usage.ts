// What a container uses, from Docker's statistics, for both versions of control groups.

import { field } from '../audit/json-field.ts';

export interface Usage {
  /** Without the file cache that the kernel can take back. */
  readonly memoryBytes: number;
  readonly memoryLimitBytes: number;
  readonly cpuMs: number;
  /** Periods of 100 ms in which it wanted to run, how many were throttled, and for how long. */
  readonly periods: number;
  readonly throttledPeriods: number;
  readonly throttledMs: number;
}

const NS_PER_MS = 1e6;
/** Of the limit: a part that uses more may run out of memory on another day. */
const MEMORY_SHARE_MAX = 0.8;

export function usageOf(statistics: unknown): Usage {
  const memory = field(statistics, 'memory_stats');
  const cpu = field(statistics, 'cpu_stats');
  const throttling = field(cpu, 'throttling_data');
  const details = field(memory, 'stats');
  // Version 1 names it total_inactive_file, version 2 inactive_file.
  const cache = numberIn(details, 'total_inactive_file') || numberIn(details, 'inactive_file');
  return {
    memoryBytes: Math.max(0, numberIn(memory, 'usage') - cache),
    memoryLimitBytes: numberIn(memory, 'limit'),
    cpuMs: numberIn(field(cpu, 'cpu_usage'), 'total_usage') / NS_PER_MS,
    periods: numberIn(throttling, 'periods'),
    throttledPeriods: numberIn(throttling, 'throttled_periods'),
    throttledMs: numberIn(throttling, 'throttled_time') / NS_PER_MS,
  };
}

/** What was used between two moments, and the most memory of both. */
export function usageBetween(before: Usage, after: Usage): Usage {
  return {
    memoryBytes: Math.max(before.memoryBytes, after.memoryBytes),
    memoryLimitBytes: after.memoryLimitBytes,
    cpuMs: after.cpuMs - before.cpuMs,
    periods: after.periods - before.periods,
    throttledPeriods: after.throttledPeriods - before.throttledPeriods,
    throttledMs: after.throttledMs - before.throttledMs,
  };
}

export const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);

/** Under a heading of ten columns. */
export const usageLine = (service: string, usage: Usage): string =>
  `          ${service.padEnd(9)} ${megabytes(usage.memoryBytes)} of ` +
  `${megabytes(usage.memoryLimitBytes)} MB, ${usage.cpuMs.toFixed(0)} ms of CPU, throttled in ` +
  `${usage.throttledPeriods} of ${usage.periods} periods, ${usage.throttledMs.toFixed(0)} ms`;

/** A line for each container that is too near to its limit. */
export function memoryFaults(used: ReadonlyMap<string, Usage>): string[] {
  return [...used]
    .filter(([, most]) => most.memoryBytes > MEMORY_SHARE_MAX * most.memoryLimitBytes)
    .map(
      ([service, { memoryBytes, memoryLimitBytes }]) =>
        `${service}: ${megabytes(memoryBytes)} of ${megabytes(memoryLimitBytes)} MB of memory, ` +
        `more than ${100 * MEMORY_SHARE_MAX} %`,
    );
}

function numberIn(value: unknown, key: string): number {
  const number = field(value, key);
  return typeof number === 'number' ? number : 0;
}
