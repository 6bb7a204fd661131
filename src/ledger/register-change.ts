// Changes of the register by an operator: another number of instances, which needs that nothing is
// held anywhere, and a journal that is lost.

import pg from 'pg';
import { KEEP_COMMITS, pgParameters } from './session.ts';
import { sleep, type Clock } from '../clock.ts';
import { LOST } from '../disagreement.ts';
import { PLACE_LOCK } from './register.ts';

/** For the instances to go on by themselves when this process dies. */
const DRAIN = `
  UPDATE ledger SET drain_until = now() + interval '30 s' RETURNING instances,
    (SELECT old.drain_until > now() FROM ledger AS old) AS drained`;
const RELEASE = `UPDATE ledger SET drain_until = '-infinity'`;
const ENTRIES = 'SELECT instance, mark, held, state FROM instances WHERE instance < $1 ORDER BY 1';
const CHANGE = `
  UPDATE ledger SET instances = $2, drain_until = '-infinity'
  WHERE instances = $1 AND drain_until > now()
    AND NOT EXISTS (SELECT FROM instances WHERE instance < $1 AND (held > 0 OR state = 'running'))`;
const END_ALL = `UPDATE instances SET state = 'stopped'`;

const ASK_EVERY_MS = 250;

interface Entry {
  readonly instance: number;
  readonly mark: string;
  readonly held: string;
  readonly state: string;
}

export interface CountChange {
  readonly count: number;
  readonly clock: Clock;
  readonly waitMs: number;
  /** What is waited for, whenever it changes. */
  readonly say: (text: string) => void;
}

/** A connection for these; end it. @throws when the ledger can't be reached */
export async function connectRegister(url: string, timeoutMs: number): Promise<pg.Client> {
  const client = new pg.Client(pgParameters({ url, timeoutMs, name: 'repasse-operate' }));
  // The statement that meets it says so.
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query(KEEP_COMMITS);
    return client;
  } catch (error) {
    await client.end().catch(() => {});
    throw error;
  }
}

/**
 * Asks all instances to take nothing of clients, and changes their number once none holds a
 * payment. Resolves with what stands against it when the time is over; then they take payments
 * again.
 */
export async function changeCount(
  client: pg.Client,
  { count, clock, waitMs, say }: CountChange,
): Promise<string | undefined> {
  const endMs = clock.elapsed() + waitMs;
  // Two looks in a row have to find nothing: a payment that is handed over is in one journal or the
  // other at each.
  let first: readonly Entry[] | undefined;
  let told = '';
  try {
    for (;;) {
      const { rows } = await client.query<{ instances: number; drained: boolean }>(DRAIN);
      const [ledger] = rows;
      if (ledger === undefined) return 'no instance was ever connected to this ledger';
      const { rows: entries } = await client.query<Entry>(ENTRIES, [ledger.instances]);
      const busy = entries.filter(({ held, state }) => held !== '0' || state === 'running');
      if (busy.length > 0 || !ledger.drained) first = undefined;
      else first ??= entries;
      const silent = entries.filter((entry) => !isLater(entry, first));
      if (silent.length === 0 && first !== undefined) {
        if (await change(client, ledger.instances, count)) return undefined;
        first = undefined;
      }
      const left = textOf(busy.length > 0 ? busy : silent);
      if (left !== told) say(left);
      told = left;
      if (clock.elapsed() > endMs) return `not within ${waitMs / 1000} s: ${left}`;
      await sleep(clock, ASK_EVERY_MS);
    }
  } finally {
    await client.query(RELEASE).catch(() => {});
  }
}

/** False when it was not to be changed any more. */
async function change(client: pg.Client, from: number, to: number): Promise<boolean> {
  await client.query('BEGIN');
  // An instance that starts has written its entry before this, or finds the new number.
  await client.query('SELECT FROM ledger FOR UPDATE');
  const { rowCount } = await client.query(CHANGE, [from, to]);
  if (rowCount === 1) await client.query(END_ALL);
  await client.query('COMMIT');
  return rowCount === 1;
}

function isLater({ instance, mark, state }: Entry, before: readonly Entry[] = []): boolean {
  if (state === 'stopped') return true;
  const earlier = before.find((entry) => entry.instance === instance);
  return earlier !== undefined && BigInt(mark) > BigInt(earlier.mark);
}

function textOf(left: readonly Entry[]): string {
  const texts = left.map(({ instance, held, state }) =>
    state === 'running'
      ? `instance ${instance} runs, or ended without a word (${held} held at its latest mark): it must run`
      : `instance ${instance} is ${state} and holds ${held}`,
  );
  return texts.join('; ') || 'nothing is held';
}

/**
 * The journal of this instance is lost with what it held: another one may take its place. Resolves
 * with what stands against it.
 */
export async function forgetJournal(
  client: pg.Client,
  instance: number,
): Promise<string | undefined> {
  const { rows } = await client.query<{ got: boolean }>(
    'SELECT pg_try_advisory_lock($1, $2) AS got',
    [PLACE_LOCK, instance],
  );
  if (rows[0]?.got !== true) return `instance ${instance} runs`;
  const text = `UPDATE instances SET state = 'stopped', held = 0, journal = $2 WHERE instance = $1`;
  const { rowCount } = await client.query(text, [instance, LOST]);
  return rowCount === 1 ? undefined : `the ledger knows no instance ${instance}`;
}
