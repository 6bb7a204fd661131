// What runs out first at a rate: a part's share of CPU, a part's memory, or the machine's cores,
// which the load generator and the processors share with the system.

import { megabytes, type Usage } from '../../tools/compose/usage.ts';

export interface Load {
  /** Of the parts under limits, by their names, while the load went on. */
  readonly used: ReadonlyMap<string, Usage>;
  readonly cores: number;
  readonly durationMs: number;
  /** Of the whole machine, whoever used it. */
  readonly machineCpuMs: number;
  readonly generatorCpuMs: number;
  readonly processorsCpuMs: number;
  /** How late the load generator sent its payments. */
  readonly lateP99Ms: number;
}

/** Of the periods in which a part ran. */
const THROTTLED_SHARE = 0.05;
const MEMORY_SHARE = 0.9;
const BUSY_SHARE = 0.95;
/** Later than that, the load generator itself lacked CPU. */
const LATE_MS = 5;

/** What ran out, the worst first; one line that says so if nothing did. */
export function whatRunsOut(load: Load): string[] {
  const { used, cores, durationMs, machineCpuMs, lateP99Ms } = load;
  const throttled = [...used]
    .map(([part, usage]) => ({ part, share: usage.throttledPeriods / Math.max(1, usage.periods) }))
    .filter(({ share }) => share >= THROTTLED_SHARE)
    .toSorted((one, other) => other.share - one.share)
    .map(({ part, share }) => `CPU of ${part}, throttled in ${percent(share)} of its periods`);
  const memory = [...used]
    .filter(
      ([, { memoryBytes, memoryLimitBytes }]) => memoryBytes > MEMORY_SHARE * memoryLimitBytes,
    )
    .map(([part, usage]) => {
      const { memoryBytes, memoryLimitBytes } = usage;
      return `memory of ${part}, ${megabytes(memoryBytes)} of ${megabytes(memoryLimitBytes)} MB`;
    });
  const busy = machineCpuMs / (cores * durationMs);
  const share = (cpuMs: number): string => percent(cpuMs / durationMs);
  const machine =
    busy >= BUSY_SHARE || lateP99Ms >= LATE_MS
      ? [
          `the machine: ${percent(busy)} of ${cores} cores, the load generator ` +
            `${share(load.generatorCpuMs)} of one and late by ${lateP99Ms.toFixed(1)} ms, ` +
            `the processors ${share(load.processorsCpuMs)}`,
        ]
      : [];
  const found = [...throttled, ...memory, ...machine];
  return found.length > 0 ? found : ['neither CPU nor memory: a bound of its own'];
}

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
