// A ledger with an archive: rows of three months, and the operator's two commands.

import type { TestContext } from 'node:test';
import pg from 'pg';
import { systemClock } from '../../src/clock.ts';
import { Archive } from '../../src/ledger/archive.ts';
import { connectArchive } from '../../src/ledger/archive-session.ts';
import { monthNamed, type Month } from '../../src/ledger/archive-months.ts';
import { detach } from '../../src/ledger/detach.ts';
import { connectLibpq, type NativeConnection } from '../../src/ledger/libpq.ts';
import type { LedgerReader } from '../../src/ledger/reader.ts';
import { FIRST_ID, idToText } from '../../src/payment.ts';
import { query, type DatabaseServer } from '../world/database.ts';
import { batchOfRows, makeLedger, rowOf, type Ledger } from './ledger-fixture.ts';

export const JULY = Date.UTC(2025, 6, 15, 12);
export const AUGUST = Date.UTC(2025, 7, 31, 23, 59, 59, 999);
export const SEPTEMBER = Date.UTC(2025, 8, 1);
const month = (name: string): Month => monthNamed(name) as Month;

export async function clientOf(url: string, context: TestContext): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  context.after(() => client.end().catch(() => {}));
  return client;
}

interface Archived {
  readonly rows: number;
  readonly said: readonly string[];
}

export async function archiveBefore(url: string, name: string): Promise<Archived> {
  const client = await connectArchive(url);
  const said: string[] = [];
  const parts = { clock: systemClock, progress: () => {}, warn: (text: string) => said.push(text) };
  try {
    return { rows: await new Archive(client, parts).before(month(name)), said };
  } finally {
    await client.end();
  }
}

/** undefined when it is done. */
export async function detachMonth(url: string, name: string): Promise<string | undefined> {
  const client = await connectArchive(url);
  try {
    return await detach(client, month(name), { clock: systemClock, progress: () => {} });
  } finally {
    await client.end();
  }
}

/** The settled ids, in pages. */
export async function settledIds(reader: LedgerReader, most = 100): Promise<string[]> {
  const read: string[] = [];
  for (let after: string | undefined = FIRST_ID; after !== undefined;) {
    const { ids, last } = await reader.idsAfter({ after, most, instance: 0, instances: 1 });
    for (let at = 0; at < ids.length; at += 4) read.push(idToText(ids, at));
    after = last;
  }
  return read;
}

export const countOf = async (url: string, table: string): Promise<number> => {
  const text = `SELECT count(*)::int AS rows FROM ${table}`;
  return (await query<{ rows: number }>(url, text))[0]?.rows ?? -1;
};

/** A ledger with a row in July, two in August and one in September, and a writer. */
export async function fourRows(
  server: DatabaseServer,
  context: TestContext,
): Promise<Ledger & { writer: NativeConnection }> {
  const ledger = await makeLedger(server, context);
  await ledger.reader.ensureInBackground();
  const writer = await connectLibpq(ledger.url, { name: 0 }, 5_000, systemClock);
  context.after(() => writer.close());
  await writer.record(batchOfRows(rowOf(1, 10, JULY), rowOf(2, 20, AUGUST)));
  await writer.record(batchOfRows(rowOf(3, 30, AUGUST, 1), rowOf(4, 40, SEPTEMBER, 1)));
  return { ...ledger, writer };
}
