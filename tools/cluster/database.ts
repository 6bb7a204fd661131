// The role and the database of the instances, made once PostgreSQL has a primary and a standby.

import pg from 'pg';
import { pgParameters } from '../../src/ledger/session.ts';
import { DATABASE, INSTANCE_ROLE, PORTS, type Layout } from './layout.ts';

const TIMEOUT_MS = 30_000;

/** As the superuser, with this host's PostgreSQL. */
function superuserUrl(layout: Layout, host: number): string {
  const address = `${layout.address(host)}:${PORTS.postgres}`;
  return `postgres://postgres:${layout.secrets.superuser}@${address}/postgres`;
}

/** Makes what is missing, at the primary. */
export async function makeDatabase(layout: Layout, primary: number): Promise<void> {
  const url = superuserUrl(layout, primary);
  const client = new pg.Client(
    pgParameters({ url, name: 'repasse-cluster', timeoutMs: TIMEOUT_MS }),
  );
  client.on('error', () => {});
  try {
    await client.connect();
    const role = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [INSTANCE_ROLE]);
    if (role.rowCount === 0) {
      const password = client.escapeLiteral(layout.secrets.instance);
      await client.query(`CREATE ROLE ${INSTANCE_ROLE} LOGIN PASSWORD ${password}`);
    }
    const database = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE]);
    if (database.rowCount === 0) {
      await client.query(`CREATE DATABASE ${DATABASE} OWNER ${INSTANCE_ROLE}`);
    }
  } finally {
    await client.end();
  }
}
