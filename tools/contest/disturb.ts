// Kills and pauses the parts of an npm start, at the times of the plan.

import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningParts } from '../system/running-parts.ts';
import type { Disturbance, Plan } from './plan.ts';

export interface Disturbed extends Disturbance {
  /** How many processes were hit; 0: the part was down. */
  readonly processes: number;
}

/** Resolves at the end of the plan, or when `stop` aborts. */
export async function disturb(
  parts: RunningParts,
  { disturbances }: Plan,
  startedMs: number,
  stop: AbortSignal,
): Promise<Disturbed[]> {
  const done: Disturbed[] = [];
  for (const disturbance of disturbances) {
    const waitMs = Math.max(0, startedMs + disturbance.atMs - Date.now());
    await sleep(waitMs, undefined, { signal: stop }).catch(() => {});
    if (stop.aborted) break;
    // Its process may be another one by now.
    parts.look();
    const atMs = Date.now() - startedMs;
    done.push({ ...disturbance, atMs, processes: hit(parts, disturbance) });
  }
  return done;
}

function hit(parts: RunningParts, { part, pauseMs }: Disturbance): number {
  const pid = parts.pids.get(part);
  if (pid === undefined) return 0;
  if (pauseMs === null) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself meanwhile, or belongs to another user.
      return 0;
    }
    return 1;
  }
  // A shell of its own lets the part go on, whatever becomes of this process.
  const pids = parts.familyOf(part).join(' ');
  const script = `kill -STOP ${pids}; sleep ${pauseMs / 1_000}; kill -CONT ${pids}`;
  spawn('sh', ['-c', script], { stdio: 'ignore', detached: true }).unref();
  return parts.familyOf(part).length;
}
