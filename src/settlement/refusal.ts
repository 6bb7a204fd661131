// What a refusal's SQLSTATE says: whether a row may be the reason, and whether somebody has to act.

import type { LedgerFailure } from '../ledger/libpq.ts';

/**
 * SQLSTATE classes that are about no row. Passing: connection, conflict, resources, locks,
 * operator, system (08, 40, 53, 55, 57, 58). Lasting: what the ledger or the session is (0A, 25,
 * 26, 28, 3D, 3F, 42). Any batch would be refused.
 */
const ABOUT_ANY_BATCH = /^(08|0A|25|26|28|3D|3F|40|42|53|55|57|58)/;

/** Any other class may be about one row: data, a constraint, a trigger, a damaged page. */
export function isAboutContent({ kind, sqlState }: LedgerFailure): boolean {
  return kind === 'refused' && sqlState !== '' && !ABOUT_ANY_BATCH.test(sqlState);
}

/**
 * These don't pass by themselves: login (28), database or schema (3D, 3F), rights and names (42).
 */
export function needsSomebody(sqlState: string): boolean {
  return /^(28|3D|3F|42)/.test(sqlState);
}
