// A program: commits the numbers 1, 2, 3 … to a table, one after the other, and prints each one
// whose commit was acknowledged. When its session breaks it goes on with the next number.

import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/** A line that it prints. */
export interface Acknowledged {
  readonly number: number;
  readonly afterMs: number;
}

const PAUSE_MS = 10;
const REST_MS = 100;
const PATIENCE_MS = 2_000;

const url = process.env['DATABASE_URL'] as string;
const beganMs = performance.now();
let number = 0;

async function writeUntilItBreaks(): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: PATIENCE_MS });
  client.on('error', () => {});
  try {
    await client.connect();
    for (;;) {
      number++;
      await client.query('INSERT INTO numbers VALUES ($1)', [number]);
      const line: Acknowledged = { number, afterMs: Math.round(performance.now() - beganMs) };
      process.stdout.write(`${JSON.stringify(line)}\n`);
      await sleep(PAUSE_MS);
    }
  } finally {
    client.end().catch(() => {});
  }
}

for (;;) {
  await writeUntilItBreaks().catch(() => {});
  await sleep(REST_MS);
}
