// Each second of a run: how many payments the processors hold, and the CPU and memory of the parts.
// The processors are asked, not the backend: a summary of the backend makes every instance write
// out its batch, so asking would change what is measured.

import { systemClock } from '../../src/clock.ts';
import type { Endpoints } from '../audit/endpoints.ts';
import { standingOf, type Pair } from '../audit/totals.ts';
import { machineCpuMs, usageOf, type Usage } from '../system/processes.ts';
import type { RunningParts } from '../system/running-parts.ts';

/** In a second of wall-clock time. */
export interface PartUsage {
  /** Of one core; null for a part that was just started. */
  readonly cpuPercent: number | null;
  readonly memoryBytes: number;
}

export interface Sample {
  /** Since the epoch. */
  readonly atMs: number;
  /** Payments that each processor holds; null when one of them didn't answer. */
  readonly charged: Pair<number> | null;
  /** A part that is down is absent. */
  readonly usage: Readonly<Record<string, PartUsage>>;
  /** Of all cores together, whoever uses them; null in the first sample. */
  readonly machineCpuPercent: number | null;
}

/** Parts that are not the system's: what sends the load and watches. */
export const LOAD: readonly string[] = ['k6', 'npm run k6'];

/** The processes of each part, by its name. */
export type Families = () => ReadonlyMap<string, readonly number[]>;

/** Of the parts of npm start if they were found, of k6, and of this process. */
export function familiesOf(
  parts: RunningParts | undefined,
  k6: () => number | undefined,
): Families {
  return () => {
    if (parts?.isOutdated) parts.look();
    const families = new Map<string, readonly number[]>();
    for (const part of parts?.pids.keys() ?? []) families.set(part, parts?.familyOf(part) ?? []);
    const pid = k6();
    if (pid !== undefined) families.set('k6', [pid]);
    return families.set('npm run k6', [process.pid]);
  };
}

export class Sampler {
  readonly samples: Sample[] = [];
  readonly #endpoints: Endpoints;
  readonly #families: Families;
  #before = new Map<number, Usage>();
  #machineBeforeMs: number | null = null;
  #beforeMs = 0;
  readonly #everyMs: number;
  #isBusy = false;

  /** `everyMs` 0: no sample is ever taken. */
  constructor(endpoints: Endpoints, families: Families, everyMs: number) {
    this.#endpoints = endpoints;
    this.#families = families;
    this.#everyMs = everyMs;
  }

  /** Takes a sample if it is time, and the one before is not still under way. */
  async take(): Promise<void> {
    // The caller's timer is not exact.
    const isTime = systemClock.elapsed() - this.#beforeMs > this.#everyMs * 0.9;
    if (this.#isBusy || this.#everyMs === 0 || !isTime) return;
    this.#isBusy = true;
    try {
      const machineCpuPercent = this.#machineCpuPercent();
      const usage = this.#usage();
      const [onDefault, onFallback] = await this.#endpoints.processorSummaries();
      const { processors } = standingOf([{ status: 0, body: null }, onDefault, onFallback]);
      const charged: Pair<number> | null =
        processors === null ? null : [processors[0].requests, processors[1].requests];
      this.samples.push({ atMs: systemClock.now(), charged, usage, machineCpuPercent });
    } finally {
      this.#isBusy = false;
    }
  }

  #machineCpuPercent(): number | null {
    const [before, now] = [this.#machineBeforeMs, machineCpuMs()];
    this.#machineBeforeMs = now;
    const passedMs = systemClock.elapsed() - this.#beforeMs;
    return before === null || now === null ? null : (100 * (now - before)) / passedMs;
  }

  #usage(): Record<string, PartUsage> {
    const nowMs = systemClock.elapsed();
    const now = new Map<number, Usage>();
    const parts: Record<string, PartUsage> = {};
    for (const [part, pids] of this.#families()) {
      let [cpuMs, ownBytes, sharedBytes] = [0, 0, 0];
      let wasThere = false;
      for (const pid of pids) {
        const usage = usageOf(pid);
        if (usage === null) continue;
        now.set(pid, usage);
        const before = this.#before.get(pid);
        if (before !== undefined) {
          wasThere = true;
          cpuMs += Math.max(0, usage.cpuMs - before.cpuMs);
        }
        ownBytes += usage.privateBytes;
        // Its processes share the same pages, such as PostgreSQL's buffers.
        sharedBytes = Math.max(sharedBytes, usage.sharedBytes);
      }
      if (ownBytes === 0) continue;
      const cpuPercent = wasThere ? (100 * cpuMs) / (nowMs - this.#beforeMs) : null;
      parts[part] = { cpuPercent, memoryBytes: ownBytes + sharedBytes };
    }
    this.#before = now;
    this.#beforeMs = nowMs;
    return parts;
  }
}
