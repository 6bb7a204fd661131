// A backup of a database as a dump has it: the tables at one moment, in which no payment is at a
// processor. (A pin in a backup is believed, and an attempt that fails at once has one, too.)

import { STATE_PINNED } from '../../src/buffer/journal-cell.ts';
import { query } from '../world/database.ts';
import { waitUntil } from '../world/wait-until.ts';

/** A cell's state is its fourth word. */
const PINNED = `
  SELECT FROM backup.journal_cells
  WHERE slot >= 0 AND get_byte(cell, 12) IN (${STATE_PINNED}, ${STATE_PINNED + 1})`;

/** Resolves with what restores the tables; the cells are then in another table than before. */
export async function backUp(databaseUrl: string): Promise<() => Promise<void>> {
  const tables = await query<{ name: string }>(
    databaseUrl,
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`,
  );
  const copies = tables.map(({ name }) => `CREATE TABLE backup.${name} AS TABLE public.${name}`);
  await waitUntil('no payment has a pin', async () => {
    await query(databaseUrl, 'DROP SCHEMA IF EXISTS backup CASCADE; CREATE SCHEMA backup');
    await query(databaseUrl, `BEGIN ISOLATION LEVEL REPEATABLE READ; ${copies.join(';')}; COMMIT`);
    return (await query(databaseUrl, PINNED)).length === 0;
  });
  return async () => {
    const restore = tables.map(({ name }) => `DELETE FROM ${name}`);
    for (const { name } of tables) {
      if (name === 'journal_cells') {
        restore.push('ALTER TABLE journal_cells RENAME TO earlier_cells');
        restore.push('CREATE TABLE journal_cells (LIKE earlier_cells INCLUDING ALL)');
      }
      restore.push(`INSERT INTO ${name} OVERRIDING SYSTEM VALUE SELECT * FROM backup.${name}`);
    }
    await query(databaseUrl, restore.join(';'));
  };
}
