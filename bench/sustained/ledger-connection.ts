// A connection to the ledger that stays open for a run.

import pg from 'pg';

export interface LedgerConnection {
  /** The rows of the answer, with a space between the columns. */
  ask(sql: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

export async function connectTo(connectionString: string): Promise<LedgerConnection> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  client.on('error', () => {});
  return {
    ask: async (text) => {
      const { rows } = await client.query<unknown[]>({ text, rowMode: 'array' });
      return rows.map((row) => row.join(' '));
    },
    close: () => client.end(),
  };
}
