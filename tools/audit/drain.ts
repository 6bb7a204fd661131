// Waits until the backend has settled what it accepted, then audits. It ends when the books have
// agreed for `lateMs` (a call that the backend gave up may still sleep in a processor, and charge
// later), when no total has changed for `quietMs`, or after `drainMs`.
import type { Clock } from '../../src/clock.ts';
import { sleep } from '../../src/clock.ts';
import type { Audit, Held, Sent } from './audit.ts';
import { auditOf, faultsOf } from './audit.ts';
import type { Pair, Standing } from './totals.ts';

export interface Books {
  standing(): Promise<Standing>;
  /** null when a processor doesn't list its payments. */
  held(): Promise<Pair<readonly Held[]> | null>;
}

export interface DrainLimits {
  readonly drainMs: number;
  readonly quietMs: number;
  readonly lateMs: number;
  readonly pollMs: number;
}

export interface Drained {
  readonly audit: Audit;
  readonly standing: Standing;
  /** Until the totals agreed; the whole wait if they never did. */
  readonly tookMs: number;
}

export async function auditWhenDrained(
  books: Books,
  sent: Sent,
  limits: DrainLimits,
  clock: Clock,
): Promise<Drained> {
  const startedAt = clock.elapsed();
  let movedAt = startedAt;
  let agreedAt: number | null = null;
  let before = '';
  for (;;) {
    const standing = await books.standing();
    const now = clock.elapsed();
    const picture = JSON.stringify(standing);
    if (picture !== before) movedAt = now;
    before = picture;
    const agree = auditOf(sent, null, standing).books.length === 0;
    agreedAt = agree ? (agreedAt ?? now) : null;
    const held = agreedAt !== null && now - agreedAt >= limits.lateMs;
    const last = now - startedAt >= limits.drainMs || now - movedAt >= limits.quietMs;
    // The lists are long: they are read only when the totals agree, or at the end.
    if (held || last) {
      const audit = auditOf(sent, await books.held(), standing);
      if (last || faultsOf(audit).length === 0) {
        return { audit, standing, tookMs: (agreedAt ?? now) - startedAt };
      }
    }
    await sleep(clock, limits.pollMs);
  }
}
