// What is charged and not recorded: a summary without it would not be true.

import type { Recovering } from '../buffer/recovering.ts';
import type { Clock } from '../clock.ts';
import type { Ports } from '../ports.ts';
import type { BatchWriter } from './batch-writer.ts';

export type Unrecorded =
  | 'what a restart found is not known yet'
  | 'not all that is charged is recorded yet'
  | 'the ledger refuses a row of what is charged'
  | 'another process may run this instance';

export interface UnrecordedParts {
  readonly clock: Clock;
  readonly recovering: Recovering;
  readonly writer: BatchWriter;
  readonly isOurs: Ports['isOurs'];
}

/**
 * Resolves with undefined as soon as what is charged by now is in the ledger; else `withinMs` from
 * now with the reason why it isn't.
 */
export async function unrecorded(
  { clock, recovering, writer, isOurs }: UnrecordedParts,
  withinMs: number,
): Promise<Unrecorded | undefined> {
  const endMs = clock.elapsed() + withinMs;
  if (!(await recovering.isOver(withinMs))) return 'what a restart found is not known yet';
  const leftMs = Math.max(0, endMs - clock.elapsed());
  if (!(await writer.flush(leftMs))) return 'not all that is charged is recorded yet';
  if (writer.refused > 0) return 'the ledger refuses a row of what is charged';
  const isCertain = await isOurs().catch(() => false);
  return isCertain ? undefined : 'another process may run this instance';
}
