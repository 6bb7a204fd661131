// Why the ledger can't be used, in words that name what an operator can change.

import { AddressError, describeAddress, readDatabaseAddress } from '../config/database-address.ts';
import { LedgerFailure } from './libpq.ts';

type Setting = 'DATABASE_URL' | 'LEDGER_DURABILITY' | 'SHARDS' | 'the database';

export interface LedgerProblem {
  /** What an operator has to look at. */
  readonly setting: Setting;
  readonly cause: string;
  /** The problem may end without an operator. */
  readonly isTemporary: boolean;
  /** The driver's message. */
  readonly message: string;
  /** PostgreSQL's five characters; '' without an answer of the server. */
  readonly sqlState: string;
}

/** The ledger answers, and its state forbids writing to it. */
export class UnusableLedger extends LedgerFailure {
  override readonly name = 'LedgerFailure';
  readonly setting: Setting;

  constructor(setting: Setting, message: string) {
    super('refused', message);
    this.setting = setting;
  }
}

const UNTRUSTED = `no authority in sslrootcert has signed the server's certificate (sslmode)`;

/** By SQLSTATE or an error's code. An operator has to end each of these. */
const CAUSES: Readonly<Record<string, string>> = {
  '28P01': 'the password is wrong',
  '28000': 'the server refuses this user from this address or with this sslmode (pg_hba.conf)',
  '3D000': 'the database does not exist',
  '3F000': 'there is no schema for the tables (search_path)',
  '42501': 'the user lacks a right there',
  '42P01': 'a table is missing or not in search_path (for an empty ledger drop ledger_steps too)',
  '42P10': 'a table lacks its primary key',
  '42703': 'a table lacks a column',
  '42704': 'options has a setting that the server does not know',
  '22023': 'options has a value that the server does not take',
  '25006': 'the server is read-only, or a standby',
  ENOTFOUND: 'there is no host of that name',
  EACCES: 'the socket may not be used by this system user',
  ERR_TLS_CERT_ALTNAME_INVALID: `the server's certificate is for another name (sslmode)`,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  CERT_HAS_EXPIRED: `the server's certificate has expired`,
};

/** By message: `pg` gives these errors no code. */
const CAUSES_BY_MESSAGE: readonly (readonly [RegExp, string])[] = [
  [/client password must be/, 'the server asks for a password, and there is none'],
  [/does not support SSL/, 'the server has no TLS (sslmode)'],
];

/** `error` comes from a driver, or is an UnusableLedger or AddressError. */
export function explain(error: unknown, url: string): LedgerProblem {
  const message = error instanceof Error ? error.message : String(error);
  const code = codeOf(error);
  if (error instanceof UnusableLedger) {
    return { setting: error.setting, cause: message, isTemporary: false, message, sqlState: '' };
  }
  if (error instanceof AddressError) {
    return { setting: 'DATABASE_URL', cause: message, isTemporary: false, message, sqlState: '' };
  }
  const known = CAUSES[code] ?? CAUSES_BY_MESSAGE.find(([text]) => text.test(message))?.[1];
  const where = describeAddress(readDatabaseAddress(url));
  return {
    setting: 'DATABASE_URL',
    cause: known === undefined ? `no use of ${where}` : `${known}: ${where}`,
    isTemporary: known === undefined,
    message: message || code,
    sqlState: /^[0-9A-Z]{5}$/.test(code) ? code : '',
  };
}

function codeOf(error: unknown): string {
  if (error instanceof LedgerFailure) return error.sqlState;
  // A host with several addresses gives one error for each; the first one stands for all.
  const first: unknown = error instanceof AggregateError ? (error.errors[0] ?? error) : error;
  const code: unknown = (first as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : '';
}
