// What a refusal's SQLSTATE says: whether a row may be the reason, and whether it can pass by
// itself.

import type { LedgerFailure } from './libpq.ts';

/**
 * The server's weather (08, 40, 53, 55, 57, 58), and what the ledger or the session is like (0A,
 * 25, 26, 28, 3D, 3F, 42): any batch would be refused.
 */
const ABOUT_ANY_BATCH = /^(08|0A|25|26|28|3D|3F|40|42|53|55|57|58)/;

/** All else may be about one row: data, a constraint, what a trigger raised, a damaged page. */
export function isAboutContent({ kind, sqlState }: LedgerFailure): boolean {
  return kind === 'refused' && sqlState !== '' && !ABOUT_ANY_BATCH.test(sqlState);
}

/** Not weather: who may connect (28), what there is (3D, 3F), what is allowed and known (42). */
export function needsSomebody(sqlState: string): boolean {
  return /^(28|3D|3F|42)/.test(sqlState);
}
