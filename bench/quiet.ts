// How quiet the machine is while something is measured: each second, what programs other than those
// that are measured use of its cores, and what a hypervisor takes away.

import { loadavg } from 'node:os';
import {
  allProcesses,
  controlGroupsOf,
  machineTimes,
  type MachineTimes,
  type ProcessTimes,
} from '../tools/system/processes.ts';

export interface Quiet {
  /** Of the minute before. What this benchmark did then, such as building, counts too. */
  readonly loadAverage: number;
  /** Of all cores' time. */
  readonly stealPercent: number;
  /** What others used, of one core: on average, and in each second. */
  readonly othersPercent: number;
  readonly othersEachSecond: readonly number[];
  /** The busiest of the others, "name 12 %". */
  readonly who: readonly string[];
}

const EVERY_MS = 1_000;
const MEAN_PERCENT_MAX = 10;
const SECOND_PERCENT_MAX = 50;
/** Of the seconds. A p99 of latencies is already spoilt by a hundredth of them. */
const BUSY_SECONDS_SHARE = 0.01;
const STEAL_PERCENT_MAX = 2;
const WHO_MAX = 3;
const KERNEL_THREADS = 2;
/** They work for the containers, whoever asked. */
const ENGINE = /^(?:dockerd|docker|docker-proxy|containerd.*)$/;

/** Why figures of this time can't be trusted, in words; none when it was quiet. */
export function disturbancesOf(quiet: Quiet): string[] {
  const { stealPercent, othersPercent, othersEachSecond } = quiet;
  const busy = othersEachSecond.filter((percent) => percent > SECOND_PERCENT_MAX).length;
  const found: string[] = [];
  if (othersPercent > MEAN_PERCENT_MAX) {
    found.push(`other programs used ${othersPercent.toFixed(0)} % of a core`);
  }
  // One second alone may be a mistake of the sampling.
  if (busy > Math.max(1, BUSY_SECONDS_SHARE * othersEachSecond.length)) {
    found.push(
      `in ${busy} of ${othersEachSecond.length} s other programs used half a core or more`,
    );
  }
  if (stealPercent > STEAL_PERCENT_MAX) {
    found.push(`the hypervisor took ${stealPercent.toFixed(1)} % of the CPU`);
  }
  return found;
}

/** One line. */
export function quietLine(quiet: Quiet): string {
  const disturbed = disturbancesOf(quiet);
  const names = quiet.who.length > 0 ? ` (${quiet.who.join(', ')})` : '';
  const figures =
    `load average before ${quiet.loadAverage.toFixed(2)}, others ` +
    `${quiet.othersPercent.toFixed(0)} % of a core${names}, steal ${quiet.stealPercent.toFixed(1)} %`;
  return disturbed.length === 0
    ? `quiet: ${figures}`
    : `DISTURBED: ${disturbed.join('; ')}; ${figures}`;
}

export class QuietWatch {
  readonly #containers: readonly string[];
  readonly #loadAverage = loadavg()[0] ?? 0;
  readonly #timer: NodeJS.Timeout;
  readonly #eachSecond: number[] = [];
  /** By name, over all seconds. */
  readonly #others = new Map<string, number>();
  readonly #isOurs = new Map<string, boolean>();
  #processes = new Map<string, ProcessTimes>();
  #machine: MachineTimes | null;
  readonly #first: MachineTimes | null;
  #atMs = performance.now();
  readonly #firstAtMs = this.#atMs;
  #othersMs = 0;

  /** Ours are this process, what it started, and what runs in these containers. */
  constructor(containers: readonly string[]) {
    this.#containers = containers;
    this.#machine = machineTimes();
    this.#first = this.#machine;
    for (const one of allProcesses()) this.#processes.set(keyOf(one), one);
    this.#timer = setInterval(() => this.#look(), EVERY_MS);
  }

  stop(): Quiet {
    clearInterval(this.#timer);
    this.#look();
    const [first, last] = [this.#first, this.#machine];
    const passedMs = this.#atMs - this.#firstAtMs;
    const stealMs = (last?.stealMs ?? 0) - (first?.stealMs ?? 0);
    const allMs = Math.max(1, (last?.allMs ?? 0) - (first?.allMs ?? 0));
    const who = [...this.#others]
      .toSorted(([, one], [, other]) => other - one)
      .slice(0, WHO_MAX)
      .map(([name, cpuMs]) => `${name} ${((100 * cpuMs) / passedMs).toFixed(0)} %`);
    return {
      loadAverage: this.#loadAverage,
      stealPercent: (100 * stealMs) / allMs,
      othersPercent: (100 * this.#othersMs) / passedMs,
      othersEachSecond: this.#eachSecond,
      who,
    };
  }

  #look(): void {
    const [machine, all, nowMs] = [machineTimes(), allProcesses(), performance.now()];
    const byPid = new Map(all.map((one) => [one.pid, one]));
    const busyMs = (machine?.busyMs ?? 0) - (this.#machine?.busyMs ?? 0);
    let knownMs = 0;
    const processes = new Map<string, ProcessTimes>();
    for (const one of all) {
      const key = keyOf(one);
      processes.set(key, one);
      const usedMs = one.cpuMs - (this.#processes.get(key)?.cpuMs ?? 0);
      if (this.#counts(one, key, byPid)) knownMs += usedMs;
      else if (usedMs > 0) this.#others.set(one.name, (this.#others.get(one.name) ?? 0) + usedMs);
    }
    // Others that came and went since the last look are in no list: so they are what is left over.
    const othersMs = Math.max(0, busyMs - knownMs);
    const passedMs = nowMs - this.#atMs;
    if (passedMs > EVERY_MS / 2) this.#eachSecond.push((100 * othersMs) / passedMs);
    this.#othersMs += othersMs;
    this.#processes = processes;
    this.#machine = machine;
    this.#atMs = nowMs;
  }

  #counts(one: ProcessTimes, key: string, byPid: ReadonlyMap<number, ProcessTimes>): boolean {
    const known = this.#isOurs.get(key);
    if (known !== undefined) return known;
    const counts = isOurs(one, byPid, this.#containers);
    this.#isOurs.set(key, counts);
    return counts;
  }
}

/** A number may be given to another process later. */
const keyOf = ({ pid, began }: ProcessTimes): string => `${pid} ${began}`;

/**
 * Whether it is this process or below it, in one of the containers, or the kernel's own, which
 * writes what we wrote to the disk.
 */
export function isOurs(
  one: ProcessTimes,
  byPid: ReadonlyMap<number, ProcessTimes>,
  containers: readonly string[],
): boolean {
  if (one.pid === KERNEL_THREADS || one.parent === KERNEL_THREADS) return true;
  if (ENGINE.test(one.name)) return true;
  for (let at: ProcessTimes | undefined = one; at !== undefined; at = byPid.get(at.parent)) {
    if (at.pid === process.pid) return true;
  }
  const groups = containers.length === 0 ? '' : controlGroupsOf(one.pid);
  return containers.some((id) => groups.includes(id));
}
