// The ledger's tables: which steps of schema.sql a ledger has, and the rest of them in one
// transaction. A ledger that has all is only read: even a statement that changes nothing waits for
// locks, and the writers behind it.

import type pg from 'pg';

export interface Step {
  readonly number: number;
  readonly statements: string;
}

/** One instance makes them, the others wait for it. Any number that no other program's lock has. */
const LOCK = 7_200_325;
/** A writer that comes behind us waits no longer than this. */
const LOCK_TIMEOUT = '100ms';

const HAS_STEPS = `SELECT to_regclass('ledger_steps') IS NOT NULL AS has_steps`;
const LAST_STEP = 'SELECT coalesce(max(step), 0) AS last FROM ledger_steps';
const MAKE_STEPS = `
  CREATE TABLE IF NOT EXISTS ledger_steps (
    step integer PRIMARY KEY,
    done_at timestamptz NOT NULL DEFAULT now()
  )`;

/** The steps of schema.sql, from 1 on. */
export function readSteps(schema: string): readonly Step[] {
  const [, ...parts] = schema.split(/^-- Step (?=\d+: )/m);
  const steps = parts.map((part) => ({
    number: Number.parseInt(part, 10),
    statements: `-- Step ${part}`,
  }));
  if (steps.length === 0 || steps.some(({ number }, n) => number !== n + 1)) {
    throw new Error('schema.sql must have its steps in order, from 1 on');
  }
  return steps;
}

/**
 * Resolves with the steps that were missing and are done now. Safe for several instances at once.
 */
export async function makeSchema(client: pg.ClientBase, schema: string): Promise<number[]> {
  const steps = readSteps(schema);
  if ((await lastStep(client)) >= steps.length) return [];
  await client.query('BEGIN');
  try {
    await client.query(`SELECT pg_advisory_xact_lock(${LOCK})`);
    await client.query(`SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'`);
    await client.query(MAKE_STEPS);
    // Another instance may have made them while we waited.
    const last = await lastStep(client);
    const missing = steps.filter(({ number }) => number > last);
    for (const { number, statements } of missing) {
      await client.query(statements);
      await client.query('INSERT INTO ledger_steps (step) VALUES ($1)', [number]);
    }
    await client.query('COMMIT');
    return missing.map(({ number }) => number);
  } catch (error) {
    await client.query('ROLLBACK').catch(ignore);
    throw error;
  }
}

async function lastStep(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ has_steps: boolean }>(HAS_STEPS);
  if (rows[0]?.has_steps !== true) return 0;
  const { rows: steps } = await client.query<{ last: number }>(LAST_STEP);
  return steps[0]?.last ?? 0;
}

/** The connection is given up on then. */
function ignore(): void {}
