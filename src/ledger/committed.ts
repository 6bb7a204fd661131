// A statement through `pg` that counts once it is committed, here and on the standby.

import type pg from 'pg';
import { KEEP_COMMITS } from './session.ts';

/** What `pg` says of a notice. */
interface Notice {
  readonly severity?: string | undefined;
  readonly message?: string | undefined;
}

/**
 * Resolves with the statement's rows once it is committed. @throws when that isn't certain; then
 * the connection is to be ended
 */
export async function committed<Row extends pg.QueryResultRow>(
  client: pg.PoolClient,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  let warning: string | undefined;
  // "canceling wait for synchronous replication": somebody ended the wait for the standby.
  const onNotice = ({ severity, message }: Notice): void => {
    if (severity === 'WARNING') warning = message;
  };
  client.on('notice', onNotice);
  try {
    // Here and not when a connection opens: a summary would wait for it.
    await client.query(KEEP_COMMITS);
    const { rows } = await client.query<Row>(text, values);
    if (warning !== undefined) throw new Error(warning);
    return rows;
  } finally {
    client.off('notice', onNotice);
  }
}
