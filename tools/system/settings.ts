// The settings of `npm start`, from the environment. Everything has a default.

import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { AddressError, readDatabaseAddress } from '../../src/config/database-address.ts';
import type { ProcessorIndex } from '../../src/payment.ts';

/** A reason not to start. The message explains it in one line. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

export interface SimulatorSettings {
  readonly name: 'default' | 'fallback';
  readonly port: number;
  readonly feePercent: number;
}

export interface StartSettings {
  readonly port: number;
  /** Of instance 0's admin server, with the page. */
  readonly adminPort: number;
  /** ADMIN_TOKEN, or a random one. */
  readonly adminToken: string;
  readonly dataDirectory: string;
  /** Undefined: a PostgreSQL is started. */
  readonly databaseUrl: string | undefined;
  /** The address of each processor; undefined: a simulated one is started. */
  readonly processorUrls: Readonly<Record<ProcessorIndex, string | undefined>>;
  readonly simulators: Readonly<Record<ProcessorIndex, SimulatorSettings>>;
  /** Requests of one client that nginx passes on at once; 0: no limit for each client. */
  readonly clientRequestsMax: number;
  /** Addresses and networks of proxies whose X-Forwarded-For nginx believes. */
  readonly trustedProxies: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws StartError naming the setting that can't be used. */
export function readSettings(environment: Environment): StartSettings {
  const whole = (name: string, fallback: number, max: number): number => {
    const value = Number(environment[name] || fallback);
    if (Number.isInteger(value) && value >= 0 && value <= max) return value;
    throw new StartError(`${name} is "${environment[name]}", must be a whole number up to ${max}`);
  };
  const port = (name: string, fallback: number): number => {
    const value = whole(name, fallback, 65_535);
    if (value === 0) throw new StartError(`${name} is 0, must be a port`);
    return value;
  };
  return {
    port: port('PORT', 9999),
    adminPort: port('ADMIN_PORT', 9990),
    adminToken: environment['ADMIN_TOKEN'] || randomBytes(18).toString('base64url'),
    dataDirectory: resolve(environment['DATA_DIR'] || '.data'),
    databaseUrl: readDatabaseUrl(environment['DATABASE_URL']),
    processorUrls: {
      0: environment['PROCESSOR_DEFAULT_URL'] || undefined,
      1: environment['PROCESSOR_FALLBACK_URL'] || undefined,
    },
    simulators: {
      0: {
        name: 'default',
        port: port('SIMULATOR_DEFAULT_PORT', 8001),
        feePercent: whole('FEE_DEFAULT_BPS', 500, 9_999) / 100,
      },
      1: {
        name: 'fallback',
        port: port('SIMULATOR_FALLBACK_PORT', 8002),
        feePercent: whole('FEE_FALLBACK_BPS', 1_500, 9_999) / 100,
      },
    },
    clientRequestsMax: whole('CLIENT_REQUESTS_MAX', 0, 700),
    trustedProxies: readProxies(environment['TRUSTED_PROXIES'] ?? ''),
  };
}

function readProxies(text: string): readonly string[] {
  const proxies = text.split(',').filter((proxy) => proxy !== '');
  for (const proxy of proxies) {
    if (isNetwork(proxy)) continue;
    throw new StartError(
      `TRUSTED_PROXIES has "${proxy}", must be addresses or networks (10.0.0.0/8), with commas`,
    );
  }
  return proxies;
}

function isNetwork(text: string): boolean {
  const [address = '', bits = '0', ...more] = text.split('/');
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return more.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= most;
}

function readDatabaseUrl(url: string | undefined): string | undefined {
  try {
    if (url) readDatabaseAddress(url);
  } catch (error) {
    if (error instanceof AddressError) throw new StartError(error.message);
    throw error;
  }
  return url || undefined;
}
