// Whether two instances have the same settings and addresses, without telling any.

import { createHash } from 'node:crypto';
import { FOR_TABLE } from '../config/check-cluster.ts';
import type { Config } from '../config/config.ts';
import { readDatabaseAddress } from '../config/database-address.ts';

/** Settings that differ between instances or hosts, or are secret. Of addresses a part counts. */
const LEFT_OUT: readonly (keyof Config)[] = [
  'SOCKET_PATH',
  'JOURNAL_PATH',
  'ADMIN_LISTEN',
  'ADMIN_TOKEN',
  'DATABASE_URL',
  'PROCESSOR_DEFAULT_URL',
  'PROCESSOR_FALLBACK_URL',
  ...FOR_TABLE,
];

/** Eight hexadecimal digits. */
export function settingsHash(config: Config): string {
  // With JOURNAL=table this setting has the instance's own socket alone.
  const PEER_SOCKET_PATHS = config.JOURNAL === 'table' ? [] : config.PEER_SOCKET_PATHS;
  const settings = Object.entries({ ...config, PEER_SOCKET_PATHS })
    .filter(([name]) => !LEFT_OUT.includes(name as keyof Config))
    .toSorted(([one], [other]) => (one < other ? -1 : 1));
  const text = JSON.stringify([settings, placesOf(config)]);
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

/** What the addresses lead to. Users, passwords, paths and queries may be secrets. */
function placesOf(config: Config): readonly (string | number)[] {
  const { host, port, database } = readDatabaseAddress(config.DATABASE_URL);
  const processors = [config.PROCESSOR_DEFAULT_URL, config.PROCESSOR_FALLBACK_URL];
  return [host, port, database, ...processors.map((url) => new URL(url).origin)];
}
