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
/**
 * Of the quota, at least so much is this process's: the kernel divides a group's time evenly among
 * those that want it. Otherwise others who take whatever is left would make this process ask for
 * less, and take that too.
 */
const LEAST_SHARE = 0.5;

/** This process's CPU. `root` is put before the paths of the kernel's files. */
export class SystemCpu implements Cpu {
  readonly #groups: readonly CpuGroup[];
  #cores = 1;
  /** Undefined until the first look. */
  #looked: Look | undefined;

  constructor(root = '') {
    this.#groups = groupsOf((path) => readFileSync(`${root}${path}`, 'utf8'));
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

  #look(atMs: number): void {
    const before = this.#looked;
    const ownMs = this.usedMs();
    const groups = this.#groups.map((group, n) => {
      const cores = group.cores();
      // One that can't be read now has the quota that it had.
      const quota = Number.isNaN(cores) ? (before?.groups[n]?.quota ?? Infinity) : cores;
      return { quota, usedMs: quota === Infinity ? Number.NaN : group.usedMs() };
    });
    const left = groups.map(({ quota, usedMs }, n) => {
      const beforeMs = before?.groups[n]?.usedMs ?? Number.NaN;
      if (before === undefined || Number.isNaN(usedMs - beforeMs)) return quota;
      const othersMs = usedMs - beforeMs - (ownMs - before.ownMs);
      const others = Math.max(0, othersMs / (atMs - before.atMs));
      return Math.max(quota * LEAST_SHARE, quota - others);
    });
    this.#cores = Math.min(1, ...left);
    this.#looked = { atMs, ownMs, groups };
  }
}

interface Look {
  readonly atMs: number;
  readonly ownMs: number;
  /** NaN where the use isn't known. */
  readonly groups: readonly { readonly quota: number; readonly usedMs: number }[];
}
