// Misbehaviour of processors, drawn from a seed: delays, failures and the simulator's faults, each
// for a share of the calls. One time in four a processor is well, so that payments can settle.

import { FAULT_KINDS } from '../simulator/faults.ts';
import type { Levers } from '../simulator/levers.ts';

export interface Chance {
  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number;
  chance(probability: number): boolean;
}

type Misbehaving = readonly { readonly levers: Levers }[];

/** Every fault that the contest's processors may have. */
export const MISBEHAVIOURS = FAULT_KINDS.filter(
  (kind) => kind !== 'none' && kind !== 'status-after-insert',
);

const STATUSES = [201, 204, 301, 404, 408, 429, 500, 502, 503, 504];
const DELAYS_MS = [0, 0, 5, 50, 500, 2_000];

const oneOf = <T>(choices: readonly T[], chance: Chance): T =>
  choices[chance.below(choices.length)] as T;

/** Gives each processor another misbehaviour. */
export async function misbehave(processors: Misbehaving, chance: Chance): Promise<void> {
  for (const { levers } of processors) {
    const isWell = chance.chance(0.25);
    await levers.setDelay(isWell ? 0 : oneOf(DELAYS_MS, chance));
    await levers.setFailing(!isWell && chance.chance(0.2));
    await levers.setFault({
      kind: isWell ? 'none' : oneOf(MISBEHAVIOURS, chance),
      share: oneOf([0.05, 0.3, 1], chance),
      seed: chance.below(2 ** 31),
      status: oneOf(STATUSES, chance),
      lookups: chance.chance(0.5),
    });
  }
}

/** Ends every misbehaviour. The processors keep their payments. */
export async function heal(processors: Misbehaving): Promise<void> {
  for (const { levers } of processors) {
    await levers.setDelay(0);
    await levers.setFailing(false);
    await levers.setFault({ kind: 'none' });
  }
}
