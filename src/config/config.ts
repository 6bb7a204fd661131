// Reads every setting once from the environment, and checks it alone and together with the others.
// A setting that can't be used stops the start with a message that names it.

import { readAdminAddresses, tokenFault } from './admin-address.ts';
import { clusterFault } from './check-cluster.ts';
import { AddressError, readDatabaseAddress } from './database-address.ts';
import { readAddress } from './processor-address.ts';
import type { NumberSetting } from './setting-kinds.ts';
import {
  INSTANCES_MAX,
  PROCESSOR_AT_ONCE,
  PROCESSOR_QUEUE,
  SOCKET_PATH_BYTES_MAX,
} from './bounds.ts';
import { RENAMED_SETTINGS, SETTINGS } from './settings.ts';

type Settings = typeof SETTINGS;
type SettingName = keyof Settings;

/** What a setting is read as. */
type ValueOf<Setting> = Setting extends NumberSetting
  ? number
  : Setting extends { readonly words: readonly (infer Word)[] }
    ? Word
    : string;

export type Config = {
  readonly [Name in SettingName]: Name extends 'PEER_SOCKET_PATHS'
    ? readonly string[]
    : ValueOf<Settings[Name]>;
};

export type Environment = Readonly<Record<string, string | undefined>>;

/** A setting that can't be used; the message names it and says why. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * @throws ConfigError naming the first setting that is missing, out of bounds or contradicts
 * another one
 */
export function readConfig(env: Environment): Config {
  const values: Record<string, unknown> = {};
  const config = values as Config;
  const oldNames = new Map<string, string>(renamedIn(env).map(({ before, now }) => [now, before]));
  for (const [name, setting] of Object.entries(SETTINGS)) {
    const given = env[name] ? name : (oldNames.get(name) ?? name);
    const text = env[given];
    if ('preset' in setting) values[name] = readNumber(given, setting, text);
    else if ('words' in setting) values[name] = readWord(name, setting.words, text);
    else if (name === 'PEER_SOCKET_PATHS') values[name] = (text || config.SOCKET_PATH).split(',');
    else if (text || setting.isOptional) values[name] = text ?? '';
    else throw new ConfigError(`${name} is missing: ${setting.meaning}`);
  }
  const fault = clusterFault(config, Boolean(env['PEER_SOCKET_PATHS']));
  if (fault !== undefined) throw new ConfigError(fault);
  checkTogether(config);
  checkAdmin(config);
  // What a table's write permits waits for its commit.
  const JOURNAL_SYNC = config.JOURNAL === 'table' ? 'always' : config.JOURNAL_SYNC;
  // A copy, whose fields are read faster: V8 makes a hash table of an object like `values`, which
  // gets its fields one by one.
  return { ...config, JOURNAL_SYNC };
}

/**
 * The renamed settings that `env` has under their old names.
 * @throws ConfigError if `env` has the new name too, with another value
 */
export function renamedIn(
  env: Environment,
): readonly { readonly before: string; readonly now: string }[] {
  const found = Object.entries(RENAMED_SETTINGS).filter(([before]) => Boolean(env[before]));
  for (const [before, now] of found) {
    if (env[now] && env[now] !== env[before]) {
      throw new ConfigError(`${before} is the old name of ${now}, and both are set`);
    }
  }
  return found.map(([before, now]) => ({ before, now }));
}

function readNumber(name: string, setting: NumberSetting, text: string | undefined): number {
  const { preset, min, max, unit } = setting;
  const digits = text || String(preset);
  const value = /^\d+$/.test(digits) ? Number(digits) : Number.NaN;
  if (!(value >= min && value <= max)) {
    throw new ConfigError(
      `${name} is "${text}", must be a whole number from ${min} to ${max} ${unit}`,
    );
  }
  return value;
}

function readWord(name: string, words: readonly string[], text: string | undefined): string {
  const value = text || String(words[0]);
  if (words.includes(value)) return value;
  throw new ConfigError(`${name} is "${value}", must be one of ${words.join(', ')}`);
}

type PlaceSettings = Pick<
  Config,
  'JOURNAL' | 'SHARD' | 'SHARDS' | 'PEER_SOCKET_PATHS' | 'SOCKET_PATH'
>;

/**
 * This instance's number: its shard, or counted from 0 in the order of PEER_SOCKET_PATHS. NaN while
 * SHARD=auto has no shard yet.
 */
export function instanceNumber(config: PlaceSettings): number {
  const { JOURNAL, SHARD, PEER_SOCKET_PATHS, SOCKET_PATH } = config;
  return JOURNAL === 'table' ? Number.parseInt(SHARD, 10) : PEER_SOCKET_PATHS.indexOf(SOCKET_PATH);
}

/** The number of all instances. */
export function instanceCount({ JOURNAL, SHARDS, PEER_SOCKET_PATHS }: PlaceSettings): number {
  return JOURNAL === 'table' ? SHARDS : PEER_SOCKET_PATHS.length;
}

/** @throws ConfigError naming settings that are within their bounds and contradict each other */
function checkTogether(config: Config): void {
  const instances = instanceCount(config);
  const rules: readonly (readonly [boolean, string])[] = [
    [config.RING_SLOTS >= config.CONSUMERS, 'RING_SLOTS must be at least CONSUMERS'],
    [config.BATCH_ROWS <= config.BATCH_ROWS_MAX, 'BATCH_ROWS must be at most BATCH_ROWS_MAX'],
    [
      config.TIMEOUT_MAX_MS >= Math.max(config.TIMEOUT_DEFAULT_MS, config.TIMEOUT_FALLBACK_MS),
      'TIMEOUT_MAX_MS must be at least TIMEOUT_DEFAULT_MS and TIMEOUT_FALLBACK_MS',
    ],
    [
      !config.SOCKET_PATH.includes(','),
      'SOCKET_PATH must have no comma: a comma separates the sockets in PEER_SOCKET_PATHS',
    ],
    [
      config.PEER_SOCKET_PATHS.includes(config.SOCKET_PATH),
      'PEER_SOCKET_PATHS must contain SOCKET_PATH',
    ],
    [
      config.PEER_SOCKET_PATHS.length <= INSTANCES_MAX,
      `PEER_SOCKET_PATHS must name at most ${INSTANCES_MAX} sockets`,
    ],
    [
      config.PEER_SOCKET_PATHS.every((path) => Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX),
      `PEER_SOCKET_PATHS and SOCKET_PATH must have at most ${SOCKET_PATH_BYTES_MAX} bytes a path`,
    ],
    [
      new Set(config.PEER_SOCKET_PATHS).size === config.PEER_SOCKET_PATHS.length,
      'PEER_SOCKET_PATHS must name each socket once',
    ],
    [
      config.IN_FLIGHT_MAX >= instances,
      'IN_FLIGHT_MAX must be at least the number of instances, which share it',
    ],
    [
      config.IN_FLIGHT_MAX + config.RECONCILERS * instances <= PROCESSOR_AT_ONCE + PROCESSOR_QUEUE,
      'IN_FLIGHT_MAX and the RECONCILERS of all instances must be at most 1300 together: ' +
        'a processor declines more than that',
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

function checkAdmin({ ADMIN_LISTEN, ADMIN_TOKEN, ...config }: Config): void {
  const fault = tokenFault(ADMIN_TOKEN);
  if (fault !== undefined) throw new ConfigError(`ADMIN_TOKEN ${fault}`);
  if (ADMIN_LISTEN === '') return;
  const addresses = readAdminAddresses(ADMIN_LISTEN);
  if (typeof addresses === 'string') throw new ConfigError(`ADMIN_LISTEN ${addresses}`);
  const taken = [config.JOURNAL_PATH, ...config.PEER_SOCKET_PATHS];
  if (addresses.some((address) => 'path' in address && taken.includes(address.path))) {
    throw new ConfigError('ADMIN_LISTEN must be another path than those of journal and sockets');
  }
}
