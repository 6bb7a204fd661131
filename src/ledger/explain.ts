// Why the ledger can't be used, in words that name what to change: for whoever looks at the
// console.

import { AddressError, describeAddress, readDatabaseAddress } from '../database-address.ts';
import { LedgerFailure } from './libpq.ts';

type Setting = 'DATABASE_URL' | 'LEDGER_DURABILITY' | 'the database';

export interface Trouble {
  /** What to look at. */
  readonly setting: Setting;
  readonly cause: string;
  /** Whether it may end by itself. */
  readonly passes: boolean;
  /** What the driver said. */
  readonly message: string;
  readonly sqlState: string;
}

/** The ledger answers, and may not be written to as it is. */
export class LedgerUnfit extends LedgerFailure {
  override readonly name = 'LedgerFailure';
  readonly setting: Setting;

  constructor(setting: Setting, message: string) {
    super('refused', message);
    this.setting = setting;
  }
}

/** SQLSTATE or an error's code: what is wrong. All of these need somebody who changes something. */
const CAUSES: Readonly<Record<string, string>> = {
  '28P01': 'the password is wrong',
  '28000': 'the server lets this user in from here neither so nor at all (pg_hba.conf, sslmode)',
  '3D000': 'the database does not exist',
  '3F000': 'there is no schema for the tables (search_path)',
  '42501': 'the user lacks a right there',
  '42P01':
    'a table is missing (an empty ledger begins when ledger_steps is dropped too), or not in search_path',
  '42P10': 'a table lacks its primary key',
  '42703': 'a table lacks a column',
  '42704': 'options has something that the server does not know',
  '22023': 'options has a value that the server does not take',
  '25006': 'the server is read-only, or a standby',
  ENOTFOUND: 'there is no host of that name',
  EACCES: 'the socket may not be used by this system user',
  ERR_TLS_CERT_ALTNAME_INVALID: `the server's certificate is for another name (sslmode)`,
  DEPTH_ZERO_SELF_SIGNED_CERT: `the server's certificate is of nobody in sslrootcert (sslmode)`,
  SELF_SIGNED_CERT_IN_CHAIN: `the server's certificate is of nobody in sslrootcert (sslmode)`,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: `the server's certificate is of nobody in sslrootcert (sslmode)`,
  CERT_HAS_EXPIRED: `the server's certificate has expired`,
};

/** `pg` gives these no code. */
const SAID: readonly (readonly [RegExp, string])[] = [
  [/client password must be/, 'the server asks for a password, and there is none'],
  [/does not support SSL/, 'the server has no TLS (sslmode)'],
];

/** `error` is what a driver said, or LedgerUnfit. */
export function explain(error: unknown, url: string): Trouble {
  const message = error instanceof Error ? error.message : String(error);
  const code = codeOf(error);
  if (error instanceof LedgerUnfit) {
    return { setting: error.setting, cause: message, passes: false, message, sqlState: '' };
  }
  if (error instanceof AddressError) {
    return { setting: 'DATABASE_URL', cause: message, passes: false, message, sqlState: '' };
  }
  const known = CAUSES[code] ?? SAID.find(([said]) => said.test(message))?.[1];
  const where = describeAddress(readDatabaseAddress(url));
  return {
    setting: 'DATABASE_URL',
    cause: known === undefined ? `no use of ${where}` : `${known}: ${where}`,
    passes: known === undefined,
    message: message || code,
    sqlState: /^[0-9A-Z]{5}$/.test(code) ? code : '',
  };
}

function codeOf(error: unknown): string {
  if (error instanceof LedgerFailure) return error.sqlState;
  // Of several addresses of a host, the first one stands for all.
  const first: unknown = error instanceof AggregateError ? (error.errors[0] ?? error) : error;
  const code: unknown = (first as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : '';
}
