// Kills instances (-9), one after the other as a seed says, starts each again at once, and measures
// how long it needs to answer again.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Instance } from '../../test/world/instances.ts';
import type { Chance } from './mischief.ts';

export interface Killings {
  readonly kills: number;
  /** Of those, of an instance that was just starting. */
  readonly duringRecovery: number;
  /** From the end of the killed process to the first answer of the next one, ms. */
  readonly recoveriesMs: readonly number[];
}

/** Between two kills: 300 to 1,100 ms. */
const PAUSE_LEAST_MS = 300;
const PAUSE_SPREAD_MS = 800;

export async function killAgainAndAgain(
  instances: readonly Instance[],
  kills: number,
  chance: Chance,
  onKill: (kill: number) => void,
): Promise<Killings> {
  const recoveriesMs: number[] = [];
  const recovering = new Map<Instance, Promise<void>>();
  let duringRecovery = 0;
  for (let kill = 1; kill <= kills; kill++) {
    await sleep(PAUSE_LEAST_MS + chance.below(PAUSE_SPREAD_MS));
    const instance = instances[chance.below(instances.length)] as Instance;
    if (recovering.has(instance)) {
      // One time in three in the middle of its recovery, else when it is up.
      if (chance.chance(1 / 3)) duringRecovery++;
      else await recovering.get(instance);
    }
    await instance.kill();
    onKill(kill);
    const { pid, back } = startAgain(instance);
    const recovery = back.then((tookMs) => {
      if (tookMs === undefined || instance.program.pid !== pid) return;
      recovering.delete(instance);
      recoveriesMs.push(tookMs);
    });
    recovering.set(instance, recovery);
  }
  await Promise.all(recovering.values());
  return { kills, duringRecovery, recoveriesMs };
}

/** `back`: the milliseconds until it answers, or undefined when it is killed before. */
function startAgain(instance: Instance): { pid: number; back: Promise<number | undefined> } {
  const startedMs = performance.now();
  instance.start();
  const back = instance.waitReady().then(
    () => performance.now() - startedMs,
    () => undefined,
  );
  return { pid: instance.program.pid, back };
}
