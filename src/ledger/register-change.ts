// The changes that an operator makes to the register of instances: another number of instances,
// which needs that no instance holds a payment, and a lost journal.

import pg from 'pg';
import { KEEP_COMMITS, pgParameters } from './session.ts';
import { sleep, type Clock } from '../clock.ts';
import { PLACE_LOCK, tryLock } from './locks.ts';
import { LOST } from './register.ts';

/** It expires after 30 s: if this process dies, the instances accept payments again. */
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

interface EntryRow {
  readonly instance: number;
  readonly mark: string;
  readonly held: string;
  readonly state: string;
}

export interface CountChange {
  readonly count: number;
  readonly clock: Clock;
  readonly waitMs: number;
  /** Gets a line when what is waited for changes. */
  readonly say: (text: string) => void;
}

/** The caller ends the connection. @throws when the ledger can't be reached */
export async function connectRegister(url: string, timeoutMs: number): Promise<pg.Client> {
  const client = new pg.Client(pgParameters({ url, timeoutMs, name: 'repasse-operate' }));
  // The next statement rejects.
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
 * Tells all instances to accept no payments from clients, and changes their number once no instance
 * holds a payment. Resolves with undefined when that is done, or after `waitMs` with the reason why
 * not; the instances then accept payments again.
 * @throws when the ledger can't be asked
 */
export async function changeCount(
  client: pg.Client,
  { count, clock, waitMs, say }: CountChange,
): Promise<string | undefined> {
  const endMs = clock.elapsed() + waitMs;
  // Each instance has to write two marks in a row with nothing held: a payment that is handed over
  // is in one of the two journals at either mark.
  let first: readonly EntryRow[] | undefined;
  let said = '';
  try {
    for (;;) {
      const { rows } = await client.query<{ instances: number; drained: boolean }>(DRAIN);
      const [ledger] = rows;
      if (ledger === undefined) return 'no instance was ever connected to this ledger';
      const { rows: entries } = await client.query<EntryRow>(ENTRIES, [ledger.instances]);
      const busy = entries.filter(({ held, state }) => held !== '0' || state === 'running');
      if (busy.length > 0 || !ledger.drained) first = undefined;
      else first ??= entries;
      const silent = entries.filter((entry) => !isLater(entry, first));
      if (silent.length === 0 && first !== undefined) {
        if (await change(client, ledger.instances, count)) return undefined;
        first = undefined;
      }
      const left = textOf(busy.length > 0 ? busy : silent);
      if (left !== said) say(left);
      said = left;
      if (clock.elapsed() > endMs) return `not within ${waitMs / 1000} s: ${left}`;
      await sleep(clock, ASK_EVERY_MS);
    }
  } finally {
    await client.query(RELEASE).catch(() => {});
  }
}

/** False if an instance or the register has changed meanwhile. */
async function change(client: pg.Client, from: number, to: number): Promise<boolean> {
  await client.query('BEGIN');
  // An instance that starts has written its entry before this lock, or finds the new number.
  await client.query('SELECT FROM ledger FOR UPDATE');
  const { rowCount } = await client.query(CHANGE, [from, to]);
  if (rowCount === 1) await client.query(END_ALL);
  await client.query('COMMIT');
  return rowCount === 1;
}

function isLater({ instance, mark, state }: EntryRow, before: readonly EntryRow[] = []): boolean {
  if (state === 'stopped') return true;
  const earlier = before.find((entry) => entry.instance === instance);
  return earlier !== undefined && BigInt(mark) > BigInt(earlier.mark);
}

function textOf(left: readonly EntryRow[]): string {
  const texts = left.map(({ instance, held, state }) =>
    state === 'running'
      ? `instance ${instance} runs, or was killed (${held} held at its latest mark): it must run`
      : `instance ${instance} is ${state} and holds ${held}`,
  );
  return texts.join('; ') || 'nothing is held';
}

/**
 * Records that the journal of `instance` is lost with what it held: the next journal may take its
 * place. Resolves with undefined when that is done, or with the reason why not.
 * @throws when the ledger can't be asked
 */
export async function forgetJournal(
  client: pg.Client,
  instance: number,
): Promise<string | undefined> {
  const { rows } = await client.query<{ got: boolean }>(`SELECT ${tryLock(PLACE_LOCK)} AS got`, [
    instance,
  ]);
  if (rows[0]?.got !== true) return `instance ${instance} runs`;
  const text = `UPDATE instances SET state = 'stopped', held = 0, journal = $2 WHERE instance = $1`;
  const { rowCount } = await client.query(text, [instance, LOST]);
  return rowCount === 1 ? undefined : `the ledger knows no instance ${instance}`;
}
