// The passwords and tokens of a cluster. They are made once and kept with its data, since the
// databases know them.

import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const NAMES = ['superuser', 'replication', 'rewind', 'instance', 'peers', 'admin'] as const;

export type Secrets = Readonly<Record<(typeof NAMES)[number], string>>;

export function makeSecrets(): Secrets {
  const pairs = NAMES.map((name) => [name, randomBytes(18).toString('base64url')]);
  return Object.fromEntries(pairs) as Secrets;
}

/** Those in `directory`; makes them if it has none. */
export function secretsIn(directory: string): Secrets {
  const path = join(directory, 'secrets.json');
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as Secrets;
  const secrets = makeSecrets();
  writeFileSync(path, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  return secrets;
}
