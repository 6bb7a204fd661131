// A connection with the database, as the shards use it. The simulation has others.

import pg from 'pg';
import { pgParameters } from '../ledger/session.ts';

export type DatabaseClient = Pick<pg.Client, 'connect' | 'query' | 'on' | 'end'>;

/** Makes a connection that isn't open yet; `name` is its application_name. */
export type NewClient = (name: string) => DatabaseClient;

export function clientsOf(url: string, timeoutMs: number): NewClient {
  return (name) => new pg.Client({ ...pgParameters({ url, name, timeoutMs }), keepAlive: true });
}
