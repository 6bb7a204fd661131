// Joins the cluster: takes a shard, and gives an instance what it has on one machine from its files
// and sockets: its journal, and the other instances.

import { readFileSync } from 'node:fs';
import type { Route } from '../api/routes.ts';
import type { JournalFile } from '../buffer/journal.ts';
import type { Clock } from '../clock.ts';
import { readPeerAddress } from '../config/check-cluster.ts';
import { ConfigError, type Config } from '../config/config.ts';
import { Peer } from '../gateways/peer.ts';
import type { PeerTls } from '../gateways/peer-address.ts';
import type { Log } from '../log/log.ts';
import { queryOfInstance } from '../membership/join-membership.ts';
import { clientsOf } from './database-client.ts';
import { Directory } from './directory.ts';
import { PeerServer } from './peer-server.ts';
import { ShardLease, type LeaseLost } from './shard-lease.ts';
import { ShardSession } from './shard-session.ts';
import { ShardsTable, type ShardRow } from './shards-table.ts';
import { SpareAdmin } from './spare-admin.ts';
import { TableJournal } from './table-journal.ts';
import { takeShard } from './take-shard.ts';

export interface JoinParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly stop: AbortSignal;
  readonly onLost: (error: LeaseLost) => void;
}

/** An instance's place in the cluster. */
export interface Joined {
  /** With the shard that was taken. */
  readonly config: Config;
  readonly journalFile: JournalFile & { readonly isNew: boolean };
  /** All instances in order, this one included. */
  readonly peers: readonly Peer[];
  /** Whether no other process has followed this one. Rejects when that can't be said. */
  readonly isOurs: () => Promise<boolean>;
  /** Answers the other hosts from now on. */
  readonly serve: (route: Route) => void;
  /** Tells, now and with each heartbeat, whether commits wait for a standby. */
  readonly watchStandby: (told: (isThere: boolean) => void) => void;
  /** Gives the shard up, after the engine has stopped. Never rejects. */
  readonly leave: () => Promise<void>;
}

/**
 * Resolves once a shard is taken, which may take for ever; with undefined when `stop` comes first.
 * @throws if PEER_LISTEN or PEER_TLS_… can't be used: a process that others don't reach takes none
 */
export async function joinCluster(parts: JoinParts): Promise<Joined | undefined> {
  const { config, clock, log, stop, onLost } = parts;
  const { DATABASE_URL: url, LEDGER_TIMEOUT_MS: timeoutMs, SHARDS: shards, SHARD } = config;
  const tls = readTls(config);
  const server = await listenForPeers(parts, tls);
  let lease: ShardLease | undefined;
  const onNews = (): void => lease?.news();
  const newClient = clientsOf(url, timeoutMs);
  const table = new ShardsTable({ newClient, clock, shards, onNews });
  const spareAdmin = new SpareAdmin({ config, clock, log });
  await spareAdmin.listen();
  const taken = await takeShard({
    newClient,
    url,
    clock,
    log,
    table,
    shards,
    shard: /^\d+$/.test(SHARD) ? Number(SHARD) : undefined,
    address: config.PEER_LISTEN,
    ringSlots: config.RING_SLOTS,
    needsStandby: config.LEDGER_DURABILITY === 'require',
    stop,
  });
  await spareAdmin.close();
  if (taken === undefined) {
    server?.close();
    table.close();
    return undefined;
  }
  const { tenure, session, cells } = taken;
  const { shard } = tenure;
  const owned = { ...config, SHARD: String(shard) };
  const peers = Array.from(
    { length: shards },
    (_, number) => new Peer(undefined, clock, `?${queryOfInstance(owned, number)}`),
  );
  const directory = new Directory(peers, { secret: config.PEER_SECRET, tls });
  const onShards = (rows: readonly ShardRow[]): void => directory.update(rows);
  const newSession = (): ShardSession => new ShardSession({ newClient, clock, shard });
  lease = new ShardLease({
    clock,
    log,
    tenure,
    session,
    newSession,
    table,
    onShards,
    onLost,
  });
  lease.start();
  return {
    config: owned,
    journalFile: new TableJournal(config.RING_SLOTS, cells, lease),
    peers,
    isOurs: () => table.isLatest(tenure),
    serve: (route) => server?.serve(route),
    watchStandby: (told) => lease?.watchStandby(told),
    leave: async () => {
      server?.close();
      await lease?.release();
    },
  };
}

/** undefined without PEER_LISTEN. */
async function listenForPeers(
  { config, clock, log }: JoinParts,
  tls: PeerTls | undefined,
): Promise<PeerServer | undefined> {
  const { PEER_LISTEN, PEER_SECRET: secret } = config;
  const address = readPeerAddress(PEER_LISTEN);
  if (address === undefined) return undefined;
  const server = new PeerServer({ ...address, secret, tls, clock, log });
  await server.listen();
  log.info('peers listening', { ...address });
  return server;
}

/** @throws ConfigError if a file can't be read */
function readTls(config: Config): PeerTls | undefined {
  if (config.PEER_TLS_CERT === '') return undefined;
  const read = (name: 'PEER_TLS_CERT' | 'PEER_TLS_KEY' | 'PEER_TLS_CA'): string => {
    try {
      return readFileSync(config[name], 'utf8');
    } catch (error) {
      throw new ConfigError(`${name} can't be read: ${(error as Error).message}`);
    }
  };
  return { cert: read('PEER_TLS_CERT'), key: read('PEER_TLS_KEY'), ca: read('PEER_TLS_CA') };
}
