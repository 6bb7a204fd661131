// Whether an instance can take payments, and what is wrong meanwhile. A ledger or processors that
// are away make it degraded, not unready: payments are held until they are back.

import type { Engine } from '../engine.ts';
import type { Membership } from '../membership/membership.ts';
import { PROCESSORS, processorName } from '../payment.ts';
import { STAGES, STILL_MS, type Standings } from '../watch/stages.ts';

export interface Readiness {
  readonly isReady: boolean;
  /** Why it isn't ready; '' if it is. */
  readonly reason: string;
  readonly degraded: readonly string[];
}

const ONE_DISK = 'commits are on one disk';
const REASONS = { all: '', peers: 'purging', purging: 'purging', stopping: 'stopping' } as const;

export function readiness(engine: Engine, membership: Membership, standings: Standings): Readiness {
  const { admission, writer, held } = engine;
  const late = held.isLate ? 'the journal is behind' : '';
  const unsafe = admission.isUnsafe ? ONE_DISK : '';
  const reason = admission.bar ?? (REASONS[admission.openTo] || unsafe || late);
  const degraded: string[] = [];
  if (membership.state === 'pending') degraded.push('the ledger has not agreed yet');
  const { ledgerProblem } = membership;
  if (ledgerProblem !== '') degraded.push(`the ledger ${ledgerProblem}`);
  degraded.push(...troubleOfProcessors(engine));
  for (const stage of STAGES) {
    const { payments, oldestMs } = standings[stage];
    if (oldestMs >= STILL_MS) degraded.push(`${payments} payments stand still: ${stage}`);
  }
  if (writer.refused > 0) degraded.push(`the ledger refuses ${writer.refused} rows`);
  degraded.push(...troubleOfOwn(engine));
  return { isReady: reason === '', reason, degraded };
}

function troubleOfProcessors({ routing, watch }: Engine): string[] {
  return PROCESSORS.flatMap((processor) => {
    const name = processorName(processor);
    if (watch.refusingProcessors[processor].isRefusing) return `${name} refuses payments`;
    if (routing.breakers[processor].troubleForMs > 0) return `${name} fails`;
    return watch.slowProcessors[processor].isSlow ? `${name} is slow` : [];
  });
}

function troubleOfOwn({ admission, watch, filter, damagedCells, anomalies }: Engine): string[] {
  const found: string[] = [];
  if (admission.isOnOneDisk) found.push(ONE_DISK);
  if (watch.slowLedger.isSlow) found.push('the ledger is slow');
  if (watch.ringForecast.isFillingUp) found.push('the ring is filling up');
  if (watch.isRingNearlyFull) found.push('the ring is nearly full');
  if (filter.isFull) found.push('the Bloom filter is full');
  if (damagedCells > 0) found.push(`the start found ${damagedCells} damaged cells in the journal`);
  if (anomalies.isRecent) found.push('an anomaly was found in the last ten minutes');
  return found;
}
