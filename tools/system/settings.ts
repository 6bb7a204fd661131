// What `npm start` is told by its environment; everything has a default.

import { resolve } from 'node:path';
import { AddressError, readDatabaseAddress } from '../../src/database-address.ts';
import type { ProcessorIndex } from '../../src/payment.ts';

/** A reason not to start that one line explains. */
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
  readonly dataDirectory: string;
  /** Undefined: we start our own. */
  readonly databaseUrl: string | undefined;
  /** Where each processor is, when it is not ours to start. */
  readonly processorUrls: Readonly<Record<ProcessorIndex, string | undefined>>;
  readonly simulators: Readonly<Record<ProcessorIndex, SimulatorSettings>>;
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
  };
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
