// The names, addresses, ports and directories of a cluster on this machine.
//
//   this machine ─ .254 ─┐
//   processors ──── .1 ──┤ bridge, in a namespace of its own: what this machine's firewall does to
//   host-1 ──────── .11 ─┤ bridged packets doesn't reach it
//   host-2 ──────── .12 ─┤
//   host-3 ──────── .13 ─┘

import { join } from 'node:path';
import type { Secrets } from './secrets.ts';

export interface ClusterSettings {
  readonly hosts: number;
  readonly shards: number;
  /** Processes on each host; those without a shard are spares. */
  readonly instancesPerHost: number;
  /** The first three numbers of all addresses: "10.77.0". */
  readonly network: string;
  /** Of each host's nginx. */
  readonly port: number;
  /** Kept afterwards; undefined: a temporary one. */
  readonly dataDirectory: string | undefined;
}

export const USUAL: ClusterSettings = {
  hosts: 3,
  shards: 3,
  instancesPerHost: 2,
  network: '10.77.0',
  port: 9999,
  dataDirectory: undefined,
};

/** Every host has addresses of its own, so the ports are the same on each. */
export const PORTS = {
  postgres: 5432,
  patroni: 8008,
  etcd: 2379,
  etcdPeers: 2380,
  /** HAProxy, on 127.0.0.1. */
  database: 5000,
  /** nginx, for the other hosts' nginx. */
  forOthers: 9100,
  /** Instance 1 has 9101 and 9201, and so on. */
  peers: 9100,
  admin: 9200,
} as const;

export const DATABASE = 'repasse';
/** As whom the instances log in. It owns its tables, and is no superuser. */
export const INSTANCE_ROLE = 'repasse_instance';

const count = (length: number): number[] => Array.from({ length }, (_, index) => index + 1);

export class Layout {
  readonly settings: ClusterSettings;
  readonly directory: string;
  readonly secrets: Secrets;
  /** From 1. */
  readonly hosts: readonly number[];
  /** On each host, from 1. */
  readonly instances: readonly number[];

  constructor(settings: ClusterSettings, directory: string, secrets: Secrets) {
    this.settings = settings;
    this.directory = directory;
    this.secrets = secrets;
    this.hosts = count(settings.hosts);
    this.instances = count(settings.instancesPerHost);
  }

  name(host: number): string {
    return `host-${host}`;
  }

  address(host: number): string {
    return `${this.settings.network}.${10 + host}`;
  }

  /** "10.77.0.11:2379", for each host. */
  everywhere(port: number): readonly string[] {
    return this.hosts.map((host) => `${this.address(host)}:${port}`);
  }

  get subnet(): string {
    return `${this.settings.network}.0/24`;
  }

  /** Of the simulated processors. */
  get processorsAddress(): string {
    return `${this.settings.network}.1`;
  }

  /** What a host has on its disk: etcd's and PostgreSQL's files, settings, logs, sockets. */
  hostDirectory(host: number): string {
    return join(this.directory, this.name(host));
  }

  file(host: number, ...words: readonly string[]): string {
    return join(this.hostDirectory(host), ...words);
  }

  instanceSocket(host: number, instance: number): string {
    return this.file(host, 'run', `api-${instance}.sock`);
  }

  adminSocket(host: number, instance: number): string {
    return this.file(host, 'run', `admin-${instance}.sock`);
  }

  logPath(host: number, part: string): string {
    return this.file(host, 'logs', `${part}.log`);
  }
}
