// Patroni on each host, with its own PostgreSQL. A commit is acknowledged when it is on the disks
// of the primary and of a standby; without a standby it waits. Only such a standby becomes primary.

import { chown, mkdir, writeFile } from 'node:fs/promises';
import { ask } from '../system/ask.ts';
import type { PartPlan } from '../system/part.ts';
import { installedPrograms, unprivileged } from '../system/postgres.ts';
import { StartError } from '../system/settings.ts';
import { programsWithClock } from './clock.ts';
import { PORTS, type Layout } from './layout.ts';
import { PATRONI, PATRONI_FILES, patroniFeatures } from './patroni-version.ts';

/**
 * A primary that is switched off is replaced when its lease has run out: after `ttl` at most, and
 * `ttl - loop_wait` at least. 20 is the least that Patroni takes (since 3.2; 3.0 has no bound).
 * `loop_wait` is how soon a standby that is gone is replaced by another one as the synchronous one,
 * and how soon a standby follows a new primary: commits wait for both.
 * `retry_timeout` is how long etcd may be away before a primary steps down, and a third of it how
 * long one question to etcd may take, which gets lost if etcd's leader is; loop_wait + 2 *
 * retry_timeout must not be more than `ttl`.
 */
const TIMES = { ttl: 20, loop_wait: 1, retry_timeout: 6 } as const;

/**
 * How long a server that is silent counts as there, for replication and for sessions. Commits wait
 * for a synchronous standby that is silent, so the first one is short: one that was only slow comes
 * back at once.
 */
const SILENT = {
  wal_sender_timeout: '1500ms',
  wal_receiver_timeout: '3s',
  // The standbys of a new primary may come before it takes them: they soon try again.
  wal_retrieve_retry_interval: '200ms',
} as const;

const PARAMETERS = {
  ...SILENT,
  tcp_keepalives_idle: 2,
  tcp_keepalives_interval: 1,
  tcp_keepalives_count: 3,
  tcp_user_timeout: '5s',
  // What a killed server leaves goes with its directory.
  dynamic_shared_memory_type: 'mmap',
  max_connections: 200,
  shared_buffers: '64MB',
  wal_keep_size: '1GB',
  max_wal_size: '512MB',
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  password_encryption: 'scram-sha-256',
} as const;

function postgresPrograms(): string {
  const programs = installedPrograms();
  if (programs === undefined) throw new StartError('no PostgreSQL is installed');
  return programs;
}

const patroniUrl = (layout: Layout, host: number): string =>
  `http://${layout.address(host)}:${PORTS.patroni}`;

/** Everything in PostgreSQL's directory belongs to the user that it runs as. */
const place = (layout: Layout, host: number, name: string): string =>
  layout.file(host, 'postgres', name);

/** As JSON, which is YAML too. */
export function patroniConfiguration(
  layout: Layout,
  host: number,
  programs = postgresPrograms(),
): string {
  const { secrets, subnet } = layout;
  const { etcdApi, synchronousMode } = patroniFeatures();
  const restapi = `${layout.address(host)}:${PORTS.patroni}`;
  const postgres = `${layout.address(host)}:${PORTS.postgres}`;
  const pgHba = [
    'local all all scram-sha-256',
    'local replication all scram-sha-256',
    `host all all ${subnet} scram-sha-256`,
    `host replication replicator ${subnet} scram-sha-256`,
  ];
  const configuration = {
    scope: 'repasse',
    name: layout.name(host),
    restapi: { listen: restapi, connect_address: restapi },
    // Its own etcd alone, and no look for others: they may be on the host that is gone, and each
    // question there costs seconds; and one that was cut off answers for a while what was true
    // before, so that a standby follows the old primary again.
    [etcdApi]: { hosts: [`${layout.address(host)}:${PORTS.etcd}`], use_proxies: true },
    bootstrap: {
      dcs: {
        ...TIMES,
        synchronous_mode: synchronousMode,
        synchronous_mode_strict: true,
        // A primary whose PostgreSQL died and isn't back by then is replaced.
        primary_start_timeout: 15,
        // No slots: before Patroni 4 a new primary makes those of its standbys 2 s after its
        // promotion, and all commits wait for that. wal_keep_size is there for a standby that is
        // away.
        postgresql: { use_pg_rewind: true, use_slots: false, parameters: PARAMETERS },
      },
      // Patroni asks for it here; the one under `postgresql` below replaces it.
      pg_hba: pgHba,
      initdb: [
        { encoding: 'UTF8' },
        { locale: 'C' },
        { 'auth-local': 'scram-sha-256' },
        { 'auth-host': 'scram-sha-256' },
        'data-checksums',
      ],
    },
    postgresql: {
      listen: postgres,
      connect_address: postgres,
      data_dir: place(layout, host, 'data'),
      bin_dir: programs,
      pgpass: place(layout, host, 'pgpass'),
      use_unix_socket: true,
      use_unix_socket_repl: true,
      authentication: {
        superuser: { username: 'postgres', password: secrets.superuser },
        replication: { username: 'replicator', password: secrets.replication },
        rewind: { username: 'rewinder', password: secrets.rewind },
      },
      parameters: { unix_socket_directories: place(layout, host, 'run') },
      pg_hba: pgHba,
      // A copy begins with a checkpoint, which takes most of a minute otherwise.
      basebackup: [{ checkpoint: 'fast' }],
      // An old primary whose log has gone another way is rewound, or copied anew.
      remove_data_directory_on_rewind_failure: true,
      remove_data_directory_on_diverged_timelines: true,
    },
    watchdog: { mode: 'off' },
  };
  return `${JSON.stringify(configuration, null, 2)}\n`;
}

/**
 * Makes its directory and writes its configuration. `clockLibrary` is libfaketime, if the host has
 * a clock of its own.
 */
export async function patroniPlan(
  layout: Layout,
  host: number,
  clockLibrary: string | undefined,
): Promise<PartPlan> {
  const directory = layout.file(host, 'postgres');
  const user = await unprivileged(directory, [directory, postgresPrograms(), ...PATRONI_FILES]);
  const path = place(layout, host, 'patroni.yml');
  await mkdir(place(layout, host, 'run'), { recursive: true });
  const programs =
    clockLibrary === undefined
      ? postgresPrograms()
      : await programsWithClock(postgresPrograms(), layout, host, clockLibrary);
  await writeFile(path, patroniConfiguration(layout, host, programs), { mode: 0o600 });
  if (user) {
    for (const owned of [directory, path, place(layout, host, 'run')]) {
      await chown(owned, user.uid, user.gid);
    }
  }
  return {
    name: `patroni of ${layout.name(host)}`,
    command: [...PATRONI, path],
    environment: { PATRONI_LOG_LEVEL: 'INFO', PYTHONDONTWRITEBYTECODE: '1' },
    user,
    logPath: layout.logPath(host, 'patroni'),
    // 200 when PostgreSQL runs, as primary or as standby.
    isUp: async () => (await ask(patroniUrl(layout, host), '/health')).status === 200,
    // Stops PostgreSQL, and gives the primary's lease back.
    stopSignal: 'SIGTERM',
    stopWithinMs: 60_000,
    hastySignal: 'SIGKILL',
    deathSignal: 'SIGTERM',
  };
}

export interface Member {
  readonly name: string;
  /** leader, sync_standby, quorum_standby or replica. */
  readonly role: string;
  /** running or streaming, while it is well. */
  readonly state: string;
  /** Of a standby: bytes of the log that it hasn't got, or a word while that isn't known. */
  readonly lag?: number | string;
}

/** What the Patroni of this host knows of all; throws where it doesn't answer. */
export async function membersSeenBy(layout: Layout, host: number): Promise<readonly Member[]> {
  const { body } = await ask(patroniUrl(layout, host), '/cluster');
  return (JSON.parse(body) as { members: readonly Member[] }).members;
}

/** Whether this host's PostgreSQL is the primary and Patroni holds the lease for it. */
export async function isPrimary(layout: Layout, host: number): Promise<boolean> {
  const answer = await ask(patroniUrl(layout, host), '/primary').catch(() => undefined);
  return answer?.status === 200;
}
