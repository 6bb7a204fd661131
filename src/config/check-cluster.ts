// The settings of the cluster (JOURNAL=table) checked together.

import { HOST_AND_PORT, tokenFault } from './admin-address.ts';
import type { Config } from './config.ts';

type ClusterSettings = Pick<
  Config,
  | 'JOURNAL'
  | 'JOURNAL_PATH'
  | 'SHARDS'
  | 'SHARD'
  | 'PEER_LISTEN'
  | 'PEER_SECRET'
  | 'PEER_TLS_CERT'
  | 'PEER_TLS_KEY'
  | 'PEER_TLS_CA'
>;

/** The settings that only JOURNAL=table has, but SHARDS: each is a process's own, or secret. */
export const FOR_TABLE = [
  'SHARD',
  'PEER_LISTEN',
  'PEER_SECRET',
  'PEER_TLS_CERT',
  'PEER_TLS_KEY',
  'PEER_TLS_CA',
] as const;

/** What is wrong with the settings, the name of one first; undefined if nothing is. */
export function clusterFault(config: ClusterSettings, hasPeerSockets: boolean): string | undefined {
  return config.JOURNAL === 'table' ? tableFault(config, hasPeerSockets) : fileFault(config);
}

function fileFault(config: ClusterSettings): string | undefined {
  if (config.JOURNAL_PATH === '') return 'JOURNAL_PATH is missing: file of the journal';
  const useless = FOR_TABLE.find((name) => config[name] !== '');
  if (useless !== undefined) return `JOURNAL must be table, since ${useless} is set`;
  return config.SHARDS === 1 ? undefined : 'JOURNAL must be table for more than one of SHARDS';
}

function tableFault(config: ClusterSettings, hasPeerSockets: boolean): string | undefined {
  const { JOURNAL_PATH, SHARDS, SHARD, PEER_LISTEN, PEER_SECRET } = config;
  if (JOURNAL_PATH !== '') return 'JOURNAL_PATH is for JOURNAL=file: a table is in DATABASE_URL';
  if (hasPeerSockets) return 'PEER_SOCKET_PATHS is for JOURNAL=file: use SHARDS and PEER_LISTEN';
  const isNumber = /^\d{1,3}$/.test(SHARD) && Number(SHARD) < SHARDS;
  if (SHARD !== '' && SHARD !== 'auto' && !isNumber) {
    return `SHARD is "${SHARD}", must be auto or a whole number below SHARDS, which is ${SHARDS}`;
  }
  if (PEER_LISTEN === '') return SHARDS > 1 ? 'PEER_LISTEN is missing: host:port' : undefined;
  if (readPeerAddress(PEER_LISTEN) === undefined) {
    return 'PEER_LISTEN must be host:port or [IPv6 address]:port, an address that others reach';
  }
  if (PEER_SECRET === '') return 'PEER_SECRET is missing: PEER_LISTEN needs it';
  const fault = tokenFault(PEER_SECRET);
  if (fault !== undefined) return `PEER_SECRET ${fault}`;
  const files = [config.PEER_TLS_CERT, config.PEER_TLS_KEY, config.PEER_TLS_CA];
  const isWhole = files.every((path) => path === '') || files.every((path) => path !== '');
  return isWhole ? undefined : 'PEER_TLS_CERT, PEER_TLS_KEY and PEER_TLS_CA belong together';
}

/** undefined if it is no address that another host can reach. */
export function readPeerAddress(
  text: string,
): { readonly host: string; readonly port: number } | undefined {
  const [, bracketed, plain, port = ''] = HOST_AND_PORT.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || host === '0.0.0.0' || host === '::') return undefined;
  return Number(port) >= 1 && Number(port) <= 65_535 ? { host, port: Number(port) } : undefined;
}
