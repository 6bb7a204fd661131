// The CPU: how much this process has used, and how much it may use. A control group may have a
// quota (a container's limit, a unit's CPUQuota): then the kernel stops its processes for the rest
// of each period in which they used it up.

import { readFileSync } from 'node:fs';
import { groupsOf, type CpuGroup } from './cpu-groups.ts';

export interface Cpu {
  /** CPU time that this process has used, in milliseconds. */
  usedMs(): number;
  /** Cores that this process may use now, above 0 and at most 1: its code runs in one thread. */
  cores(): number;
}

/** For an engine whose work is not to be measured. */
export const IDLE_CPU: Cpu = { usedMs: () => 0, cores: () => 1 };

/** The quota may be changed, and others in the same group may use part of it. */
const LOOK_EVERY_MS = 200;
/** However much the others in its group use, the kernel gives this process its turns. */
const LEAST_SHARE = 0.1;

/** This process's CPU. `root` is put before the paths of the kernel's files. */
export class SystemCpu implements Cpu {
  readonly #groups: readonly CpuGroup[];
  #cores = 1;
  /** Undefined until the first look. */
  #looked: { readonly atMs: number; readonly ownMs: number; readonly allMs: number[] } | undefined;

  constructor(root = '') {
    this.#groups = groupsOf((path) => readFileSync(`${root}${path}`, 'latin1'));
  }

  usedMs(): number {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  }

  cores(): number {
    const now = performance.now();
    const isDue = this.#looked === undefined || now - this.#looked.atMs >= LOOK_EVERY_MS;
    if (this.#groups.length > 0 && isDue) this.#look(now);
    return this.#cores;
  }

  #look(now: number): void {
    const before = this.#looked;
    const ownMs = this.usedMs();
    const allMs = this.#groups.map((group) => group.usedMs());
    const left = this.#groups.map((group, n) => {
      const quota = group.cores();
      if (before === undefined || quota === Number.POSITIVE_INFINITY) return quota;
      const othersMs = (allMs[n] as number) - (before.allMs[n] as number) - (ownMs - before.ownMs);
      const others = Math.max(0, othersMs / (now - before.atMs));
      // NaN where the group's use can't be read.
      return Number.isNaN(others) ? quota : Math.max(quota * LEAST_SHARE, quota - others);
    });
    this.#cores = Math.min(1, ...left);
    this.#looked = { atMs: now, ownMs, allMs };
  }
}
