// A control group (version 1) with a share of CPU and of memory, as Docker makes one for each
// container. What is started while this process is in it, is in it. Needs root.

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Limits } from '../../tools/compose/project.ts';
import type { Usage } from '../../tools/compose/usage.ts';

const ROOT = '/sys/fs/cgroup';
const CONTROLLERS = ['cpu', 'cpuacct', 'memory'] as const;
type Controller = (typeof CONTROLLERS)[number];
const PERIOD_US = 100_000;
const NS_PER_MS = 1e6;

/** What is missing to make one; undefined if nothing is. */
export function whatIsMissing(): string | undefined {
  if (process.getuid?.() !== 0) return 'root';
  const missing = CONTROLLERS.find((controller) => !existsSync(join(ROOT, controller, 'tasks')));
  return missing === undefined
    ? undefined
    : `control groups of version 1 (no "${missing}" in ${ROOT})`;
}

export class ControlGroup {
  readonly #name: string;
  readonly #limits: Limits;
  /** Where this process is at first: a group is made below it, and so keeps its limits too. */
  readonly #homes = homes();

  constructor(name: string, limits: Limits) {
    this.#name = name;
    this.#limits = limits;
    for (const controller of CONTROLLERS) mkdirSync(this.#path(controller));
    const { cpus, memoryBytes } = limits;
    this.#write('cpu', 'cpu.cfs_period_us', PERIOD_US);
    this.#write('cpu', 'cpu.cfs_quota_us', cpus === 0 ? -1 : Math.round(cpus * PERIOD_US));
    if (memoryBytes > 0) this.#write('memory', 'memory.limit_in_bytes', memoryBytes);
  }

  /** One at a time: this process is in the group meanwhile. */
  async starting<T>(start: () => Promise<T>): Promise<T> {
    this.#enter((controller) => this.#path(controller));
    try {
      return await start();
    } finally {
      this.#enter((controller) => this.#homes.get(controller) as string);
    }
  }

  usage(): Usage {
    const throttling = this.#numbers('cpu', 'cpu.stat');
    const cache = this.#numbers('memory', 'memory.stat').get('total_inactive_file') ?? 0;
    const bytes = Number(this.#read('memory', 'memory.usage_in_bytes'));
    return {
      memoryBytes: Math.max(0, bytes - cache),
      memoryLimitBytes: this.#limits.memoryBytes,
      cpuMs: Number(this.#read('cpuacct', 'cpuacct.usage')) / NS_PER_MS,
      periods: throttling.get('nr_periods') ?? 0,
      throttledPeriods: throttling.get('nr_throttled') ?? 0,
      throttledMs: (throttling.get('throttled_time') ?? 0) / NS_PER_MS,
    };
  }

  /** False while a process is in it. */
  remove(): boolean {
    try {
      for (const controller of CONTROLLERS) {
        if (existsSync(this.#path(controller))) rmdirSync(this.#path(controller));
      }
      return true;
    } catch {
      return false;
    }
  }

  #enter(to: (controller: Controller) => string): void {
    for (const controller of CONTROLLERS) {
      writeFileSync(join(to(controller), 'cgroup.procs'), String(process.pid));
    }
  }

  #path(controller: Controller): string {
    return join(this.#homes.get(controller) as string, this.#name);
  }

  #read(controller: Controller, file: string): string {
    return readFileSync(join(this.#path(controller), file), 'latin1');
  }

  #write(controller: Controller, file: string, value: number): void {
    writeFileSync(join(this.#path(controller), file), String(value));
  }

  #numbers(controller: Controller, file: string): ReadonlyMap<string, number> {
    const lines = this.#read(controller, file).trim().split('\n');
    return new Map(
      lines.map((line) => {
        const [name = '', value] = line.split(' ');
        return [name, Number(value)];
      }),
    );
  }
}

/** Removes what processes that were killed left behind: groups named "prefix-pid-…". */
export function removeLeftGroups(prefix: string): void {
  const name = new RegExp(`^${prefix}-(\\d+)-`);
  for (const home of homes().values()) {
    for (const entry of readdirSync(home)) {
      const [, pid] = name.exec(entry) ?? [];
      if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
      try {
        rmdirSync(join(home, entry));
      } catch {
        // A process is in it still.
      }
    }
  }
}

/** The directory of this process's group, by controller. */
function homes(): ReadonlyMap<Controller, string> {
  const lines = readFileSync('/proc/self/cgroup', 'latin1').trim().split('\n');
  const found = new Map<Controller, string>();
  for (const line of lines) {
    const [, names = '', path = '/'] = line.split(':');
    for (const name of names.split(',')) {
      const controller = CONTROLLERS.find((one) => one === name);
      if (controller === undefined) continue;
      // Within a container the path is the machine's, and the root is the group itself.
      const whole = join(ROOT, controller, path);
      found.set(controller, existsSync(whole) ? whole : join(ROOT, controller));
    }
  }
  return found;
}
