// The ledger's tables: runs the steps of schema.sql that a ledger lacks, in one transaction. A
// ledger that has all steps is only read: even DDL that changes nothing waits for locks, and the
// writers wait behind it.

import type pg from 'pg';

export interface Step {
  readonly number: number;
  readonly isInBackground: boolean;
  readonly statements: string;
}

type Queries = Pick<pg.ClientBase, 'query'>;

/** A step of a large ledger takes minutes. */
const STEP_MS = 1_800_000;

/**
 * One instance runs the steps, the others wait for this lock. The key is any number that no other
 * program uses.
 */
const LOCK = 7_200_325;
/** The lock of the session that runs the steps in the background. */
const BACKGROUND_LOCK = 7_200_330;
/** A writer that queues behind a step waits no longer than this. */
const LOCK_TIMEOUT = '100ms';

const HAS_STEPS = `SELECT to_regclass('ledger_steps') IS NOT NULL AS has_steps`;
const DONE_STEPS = 'SELECT step FROM ledger_steps';
const DONE = 'INSERT INTO ledger_steps (step) VALUES ($1) ON CONFLICT DO NOTHING';
const MAKE_STEPS = `
  CREATE TABLE IF NOT EXISTS ledger_steps (
    step integer PRIMARY KEY,
    done_at timestamptz NOT NULL DEFAULT now()
  )`;

/** The steps of schema.sql, from 1 on. @throws when their numbers are not in order */
export function readSteps(schema: string): readonly Step[] {
  const [, ...parts] = schema.split(/^-- Step (?=\d+(?:, in the background)?: )/m);
  const steps = parts.map((part) => ({
    number: Number.parseInt(part, 10),
    isInBackground: /^\d+, in/.test(part),
    statements: `-- Step ${part}`,
  }));
  if (steps.length === 0 || steps.some(({ number }, n) => number !== n + 1)) {
    throw new Error('schema.sql must have its steps in order, from 1 on');
  }
  return steps;
}

/**
 * Runs the steps that the ledger lacks, without those in the background, and resolves with their
 * numbers. Safe for several instances at once.
 * @throws when a step fails; then no step is done
 */
export async function makeSchema(client: Queries, schema: string): Promise<number[]> {
  const steps = readSteps(schema).filter(({ isInBackground }) => !isInBackground);
  if (missing(steps, await doneSteps(client)).length === 0) return [];
  await client.query('BEGIN');
  try {
    await client.query(`SELECT pg_advisory_xact_lock(${LOCK})`);
    await client.query(`SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'`);
    await client.query(`SET LOCAL statement_timeout = ${STEP_MS}`);
    await client.query(MAKE_STEPS);
    // Another instance may have run them during the wait for the lock.
    const toDo = missing(steps, await doneSteps(client));
    for (const { number, statements } of toDo) {
      await client.query(slowly(statements));
      await client.query(DONE, [number]);
    }
    await client.query('COMMIT');
    return toDo.map(({ number }) => number);
  } catch (error) {
    await client.query('ROLLBACK').catch(ignore);
    throw error;
  }
}

/** Whether the ledger lacks a step in the background. */
export async function lacksInBackground(client: Queries, schema: string): Promise<boolean> {
  return missing(backgroundSteps(schema), await doneSteps(client)).length > 0;
}

/**
 * Runs the steps in the background that the ledger lacks, and resolves with their numbers; 'busy'
 * while another instance does. Leaves the session with a lock and a long timeout. A step that fails
 * is not done, but some of its statements may be.
 * @throws when a step fails
 */
export async function makeInBackground(
  client: Queries,
  schema: string,
): Promise<number[] | 'busy'> {
  if (!(await lacksInBackground(client, schema))) return [];
  // Not a wait for the lock: the other instance's index would wait for the waiting statement.
  const text = `SELECT pg_try_advisory_lock(${BACKGROUND_LOCK}) AS locked`;
  const { rows } = await client.query<{ locked: boolean }>(text);
  if (rows[0]?.locked !== true) return 'busy';
  await client.query(`SET statement_timeout = ${STEP_MS}`);
  const toDo = missing(backgroundSteps(schema), await doneSteps(client));
  for (const { number, statements } of toDo) {
    for (const statement of statements.split(/;$/m)) {
      if (/^\w/m.test(statement)) await client.query(slowly(statement));
    }
    await client.query(DONE, [number]);
  }
  return toDo.map(({ number }) => number);
}

/** With a timeout of its own in the driver. */
const slowly = (text: string): pg.QueryConfig & { query_timeout: number } => ({
  text,
  query_timeout: STEP_MS,
});

const backgroundSteps = (schema: string): readonly Step[] =>
  readSteps(schema).filter(({ isInBackground }) => isInBackground);

const missing = (steps: readonly Step[], done: ReadonlySet<number>): readonly Step[] =>
  steps.filter(({ number }) => !done.has(number));

async function doneSteps(client: Queries): Promise<ReadonlySet<number>> {
  const { rows } = await client.query<{ has_steps: boolean }>(HAS_STEPS);
  if (rows[0]?.has_steps !== true) return new Set();
  const { rows: steps } = await client.query<{ step: number }>(DONE_STEPS);
  return new Set(steps.map(({ step }) => step));
}

/** The caller ends a connection that failed. */
function ignore(): void {}
