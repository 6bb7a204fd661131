// Every setting, read once from the environment: its unit, its bounds, its default, and how the bounds
// stand together. A setting out of bounds stops the start with a message that names it.

import { AddressError, readDatabaseAddress } from './database-address.ts';
import { readAddress } from './processor-address.ts';
import {
  INSTANCES_MAX,
  NUMBER_SETTINGS,
  PROCESSOR_AT_ONCE,
  PROCESSOR_QUEUE,
  SOCKET_PATH_BYTES_MAX,
  TEXT_SETTINGS,
  WORD_SETTINGS,
  type NumberSetting,
} from './settings.ts';

type NumberName = keyof typeof NUMBER_SETTINGS;
type WordName = keyof typeof WORD_SETTINGS;
type TextName = keyof typeof TEXT_SETTINGS;

export type Config = Readonly<
  Record<NumberName, number> & {
    [Name in WordName]: (typeof WORD_SETTINGS)[Name]['words'][number];
  } & Record<Exclude<TextName, 'PEER_SOCKET_PATHS'>, string> & {
      PEER_SOCKET_PATHS: readonly string[];
    }
>;

/** A setting that can't be used; the message names it and says why. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** @throws ConfigError naming the first setting that is missing, out of bounds or at odds with another. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(NUMBER_SETTINGS)) {
    values[name] = readNumber(name, setting, env[name]);
  }
  for (const [name, { words }] of Object.entries(WORD_SETTINGS)) {
    const word = env[name] || words[0];
    if (!(words as readonly string[]).includes(word)) {
      throw new ConfigError(`${name} is "${word}", must be one of ${words.join(', ')}`);
    }
    values[name] = word;
  }
  for (const name of Object.keys(TEXT_SETTINGS)) {
    const text = env[name] || (name === 'PEER_SOCKET_PATHS' ? env['SOCKET_PATH'] : '');
    if (!text) throw new ConfigError(`${name} is missing: ${TEXT_SETTINGS[name as TextName]}`);
    values[name] = name === 'PEER_SOCKET_PATHS' ? text.split(',') : text;
  }
  const config = values as Config;
  checkTogether(config);
  return config;
}

function readNumber(name: string, setting: NumberSetting, text: string | undefined): number {
  const given = text || String(setting.preset);
  const value = /^\d+$/.test(given) ? Number(given) : Number.NaN;
  if (!(value >= setting.min && value <= setting.max)) {
    throw new ConfigError(
      `${name} is "${text}", must be a whole number from ${setting.min} to ${setting.max} ${setting.unit}`,
    );
  }
  return value;
}

/** This instance's number among all of them, from 0. */
export function instanceNumber({ PEER_SOCKET_PATHS, SOCKET_PATH }: Config): number {
  return PEER_SOCKET_PATHS.indexOf(SOCKET_PATH);
}

/** Limits that make sense alone and not together. */
function checkTogether(config: Config): void {
  const instances = config.PEER_SOCKET_PATHS.length;
  const rules: readonly (readonly [boolean, string])[] = [
    [config.RING_SLOTS >= config.CONSUMERS, 'RING_SLOTS must be at least CONSUMERS'],
    [config.BATCH_ROWS <= config.BATCH_ROWS_MAX, 'BATCH_ROWS must be at most BATCH_ROWS_MAX'],
    [
      config.TIMEOUT_MAX_MS >= Math.max(config.TIMEOUT_DEFAULT_MS, config.TIMEOUT_FALLBACK_MS),
      'TIMEOUT_MAX_MS must be at least TIMEOUT_DEFAULT_MS and TIMEOUT_FALLBACK_MS',
    ],
    [
      !config.SOCKET_PATH.includes(','),
      'SOCKET_PATH must have no comma: it parts the list of peers',
    ],
    [
      config.PEER_SOCKET_PATHS.includes(config.SOCKET_PATH),
      'PEER_SOCKET_PATHS must contain SOCKET_PATH',
    ],
    [instances <= INSTANCES_MAX, `PEER_SOCKET_PATHS must name at most ${INSTANCES_MAX} sockets`],
    [
      config.PEER_SOCKET_PATHS.every((path) => Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX),
      `PEER_SOCKET_PATHS and SOCKET_PATH must have at most ${SOCKET_PATH_BYTES_MAX} bytes a path`,
    ],
    [
      new Set(config.PEER_SOCKET_PATHS).size === instances,
      'PEER_SOCKET_PATHS must name each socket once',
    ],
    [
      config.IN_FLIGHT_MAX >= instances,
      'IN_FLIGHT_MAX must be at least the number of instances (PEER_SOCKET_PATHS), which share it',
    ],
    [
      config.IN_FLIGHT_MAX + config.RECONCILERS * instances <= PROCESSOR_AT_ONCE + PROCESSOR_QUEUE,
      'IN_FLIGHT_MAX and the RECONCILERS of all instances must be at most 1300 together: a processor declines what is more',
    ],
  ];
  for (const [holds, message] of rules) if (!holds) throw new ConfigError(message);
  try {
    readDatabaseAddress(config.DATABASE_URL);
  } catch (error) {
    if (error instanceof AddressError) throw new ConfigError(error.message);
    throw error;
  }
  for (const name of ['PROCESSOR_DEFAULT_URL', 'PROCESSOR_FALLBACK_URL'] as const) {
    const address = readAddress(config[name]);
    if (typeof address === 'string') throw new ConfigError(`${name} ${address}`);
  }
}
