// Which admin server is asked: that of --admin or ADMIN_LISTEN, or else the first one of an
// `npm start` that answers.

import { realpathSync } from 'node:fs';
import { dirname, basename, join, resolve } from 'node:path';
import { readAdminAddresses, type AdminAddress } from '../config/admin-address.ts';
import { AdminClient } from './admin-client.ts';
import { Failure, wrongWords } from './failure.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** A file that was named in the caller's directory; npm changes it. */
export const fileOf = (path: string, environment: Environment): string =>
  resolve(environment['INIT_CWD'] ?? '.', path);

/** @throws Failure if the address can't be one, or no server of an `npm start` answers */
export async function findServer(
  admin: string | undefined,
  environment: Environment,
): Promise<AdminClient> {
  const token = environment['ADMIN_TOKEN'];
  const named = admin ?? (environment['ADMIN_LISTEN'] || undefined);
  if (named !== undefined) {
    const setting = admin === undefined ? 'ADMIN_LISTEN' : '--admin';
    return new AdminClient(addressOf(named, setting, environment), token);
  }
  const directory = resolve(environment['DATA_DIR'] || '.data', 'run');
  const failures: string[] = [];
  for (const name of ['admin-0', 'admin-1']) {
    const client = new AdminClient({ path: shortPath(join(directory, name)) }, token);
    try {
      await client.get('/live');
      return client;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      failures.push(error.message);
    }
  }
  const help = 'is "npm start" running? --admin or ADMIN_LISTEN names another server';
  throw new Failure(`${failures.join('; ')}; ${help}`);
}

/** The first of several addresses. */
function addressOf(text: string, setting: string, environment: Environment): AdminAddress {
  const parts = text.split(',').map((part) => {
    const isPath = part.includes('/') && !part.includes('://');
    return isPath ? shortPath(fileOf(part, environment)) : part;
  });
  const addresses = readAdminAddresses(parts.join(','));
  if (typeof addresses === 'string') throw wrongWords(`${setting} "${text}" ${addresses}`);
  return addresses[0] as AdminAddress;
}

/** A socket's path is limited to 107 bytes: `run` may be a link to a shorter one. */
function shortPath(path: string): string {
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    return path;
  }
}
