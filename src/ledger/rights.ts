// What an instance needs at run time, for a role that owns no table: it records and reads, and can
// neither change nor delete a payment, an anomaly or an action, nor change a table. So it can't
// purge either.

import type pg from 'pg';

const TABLES =
  'ledger_steps, payments, archived_payments, all_payments, detached_months, detached_ids, ' +
  'batch_sums, payment_sums, payments_per_second, anomalies, ledger, instances, ' +
  'operator_actions, given_up, shards, journal_cells';

// FOR SHARE on `ledger` needs the right to update some column: is_only is always true.
const GRANTS = [
  `SELECT ON ${TABLES}`,
  'EXECUTE ON FUNCTION is_archived, archived_between, detached_payment',
  'INSERT ON payments, batch_sums, payment_sums, anomalies, ledger, instances',
  'INSERT ON operator_actions, given_up, shards, journal_cells',
  'DELETE ON batch_sums',
  'UPDATE (payments, amount_cents) ON payment_sums',
  'UPDATE (journal, mark, held, state) ON instances',
  'UPDATE (is_only) ON ledger',
  'UPDATE (epoch, owner, address, heartbeat_at, home) ON shards',
  'UPDATE (cell) ON journal_cells',
];

/**
 * Two at once would change the same rows of PostgreSQL's catalog, and one would fail. The key is
 * any number that no other program uses.
 */
const LOCK = 'SELECT pg_advisory_xact_lock(7200331)';

/**
 * Takes away what `role` could do with the ledger's tables, and gives it what an instance needs.
 * @throws when a statement fails; then nothing is changed
 */
export async function grantRunTime(client: pg.ClientBase, role: string): Promise<void> {
  const to = `"${role.replaceAll('"', '""')}"`;
  await client.query('BEGIN');
  try {
    await client.query(LOCK);
    await client.query(`REVOKE ALL ON ${TABLES} FROM ${to}`);
    for (const grant of GRANTS) await client.query(`GRANT ${grant} TO ${to}`);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
