// Which host runs which shard of a cluster, and instances that are made to move one.

import { readFileSync } from 'node:fs';
import type { Cluster } from '../../../tools/cluster/cluster.ts';
import { PORTS } from '../../../tools/cluster/layout.ts';
import type { Random } from '../../buffer/seed.ts';
import { shardsOf, type ShardRow } from '../../cluster/shards.ts';
import { waitUntil, type Patience } from '../../world/wait-until.ts';

const LAST_LINES = 40;

export class Places {
  readonly #cluster: Cluster;
  readonly #random: Random;
  readonly #patience: Patience;

  constructor(cluster: Cluster, random: Random, patience: Patience) {
    this.#cluster = cluster;
    this.#random = random;
    this.#patience = patience;
  }

  /** All shards in order, as the primary says. @throws while there is none */
  async shards(): Promise<readonly ShardRow[]> {
    const primary = await this.#cluster.primary();
    if (primary === undefined) throw new Error('there is no primary');
    return shardsOf({ databaseUrl: this.#cluster.databaseUrl(primary) });
  }

  async epochs(): Promise<readonly number[]> {
    return (await this.shards()).map(({ epoch }) => epoch);
  }

  /** The shards that this host runs. */
  async on(host: number): Promise<readonly number[]> {
    const rows = await this.shards();
    return rows.filter((row) => this.ownerOf(row).host === host).map(({ shard }) => shard);
  }

  /** The owner's host, and which of its instances it is, from 1. Host 0: it has no owner. */
  ownerOf({ address }: ShardRow): { readonly host: number; readonly instance: number } {
    const instance = Number(address.split(':')[1]) - PORTS.peers;
    return { host: this.#cluster.hostAt(address), instance };
  }

  /** Resolves when this host runs a shard: others give up theirs until it does. */
  async areAlsoOn(host: number): Promise<void> {
    while ((await this.on(host)).length === 0) {
      const [row] = this.#random.shuffled(await this.shards()) as [ShardRow];
      const owner = this.ownerOf(row);
      this.#cluster.host(owner.host).restartInstance(owner.instance);
      const isTaken = async (): Promise<boolean> =>
        ((await this.epochs())[row.shard] as number) > row.epoch;
      await waitUntil('a spare has taken it', isTaken, this.#patience);
    }
  }

  /** Resolves when no shard is on this host any more. */
  async leave(host: number): Promise<void> {
    const areGone = async (): Promise<boolean> => (await this.on(host)).length === 0;
    await waitUntil('its shards have moved', areGone, this.#patience);
  }

  /** How often an instance of this host has found that its shard has another owner. */
  leasesLost(host: number): number {
    return this.#logs(host).join('').split('lease lost').length - 1;
  }

  /** What this host's instances have said last, for messages. */
  lastWords(host: number): string {
    return this.#logs(host)
      .map((log) => log.split('\n').slice(-LAST_LINES).join('\n'))
      .join('\nand the next instance:\n');
  }

  #logs(host: number): readonly string[] {
    const { layout } = this.#cluster;
    return layout.instances.map((instance) =>
      readFileSync(layout.logPath(host, `instance-${instance}`), 'utf8'),
    );
  }
}
