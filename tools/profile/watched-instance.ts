// An instance inside a profiler: the command of its plan runs inside the profiler's. When the
// instance is stopped, the profiler finishes its report.

import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PartPlan } from '../system/part.ts';
import { ended, hasEnded, killGroup, spawnTethered } from '../system/tethered.ts';

const UP_WITHIN_MS = 60_000;
const ASK_EVERY_MS = 20;

export class WatchedInstance {
  readonly #plan: PartPlan;
  #child: ChildProcess | undefined;

  /** `plan.command` runs the profiler, `plan.stopWithinMs` covers its report. */
  constructor(plan: PartPlan) {
    this.#plan = plan;
  }

  /** Resolves once the instance answers. @throws when it doesn't. */
  async start(): Promise<void> {
    const { command, environment, logPath, deathSignal, isUp } = this.#plan;
    const log = openSync(logPath, 'a');
    this.#child = spawnTethered(command, { deathSignal, stdio: ['ignore', log, log], environment });
    closeSync(log);
    const deadline = performance.now() + UP_WITHIN_MS;
    while (!(await isUp().catch(() => false))) {
      if (hasEnded(this.#child) || performance.now() > deadline) {
        throw new Error(`the instance under the profiler did not start:\n${this.said()}`);
      }
      await sleep(ASK_EVERY_MS);
    }
  }

  /** Signals the instance itself, not the profiler. */
  signal(name: NodeJS.Signals): void {
    const pid = this.#child?.pid;
    if (pid !== undefined) process.kill(instanceWithin(pid), name);
  }

  /** Ends the instance in good order; resolves when the profiler is done with what it collected. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || hasEnded(child)) return;
    this.signal('SIGTERM');
    const timer = setTimeout(() => killGroup(child), this.#plan.stopWithinMs);
    await ended(child);
    clearTimeout(timer);
    killGroup(child);
  }

  /** What the profiler and the instance printed. */
  said(): string {
    return readFileSync(this.#plan.logPath, 'utf8').trim();
  }
}

/** The process that runs main.js: `pid` itself, or the one of its children that does. */
function instanceWithin(pid: number): number {
  const children = textOf(`/proc/${pid}/task/${pid}/children`).trim();
  const found = children === '' ? [] : children.split(' ').map(Number);
  return found.find((child) => textOf(`/proc/${child}/cmdline`).includes('main.js')) ?? pid;
}

/** Empty when the process has just ended. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
