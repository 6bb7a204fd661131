// Where the other instances are, as the table of shards says.

import type { Peer } from '../gateways/peer.ts';
import type { PeerAddress, PeerTls } from '../gateways/peer-address.ts';
import type { ShardRow } from './shards-table.ts';

export class Directory {
  readonly #peers: readonly Peer[];
  readonly #access: { readonly secret: string; readonly tls: PeerTls | undefined };
  readonly #known: string[] = [];

  constructor(peers: readonly Peer[], access: { secret: string; tls: PeerTls | undefined }) {
    this.#peers = peers;
    this.#access = access;
  }

  update(rows: readonly ShardRow[]): void {
    for (const row of rows) {
      const { shard, epoch } = row;
      const authority = rows.some((other) => hasLeft(row, other)) ? '' : row.address;
      const owner = `${epoch} ${authority}`;
      if (this.#known[shard] === owner) continue;
      this.#known[shard] = owner;
      const address: PeerAddress | undefined =
        authority === '' ? undefined : { authority, ...this.#access };
      this.#peers[shard]?.moveTo(address);
    }
  }
}

/**
 * Whether the owner of `row` runs the shard of `other` by now. A process whose session ends while
 * it takes a shard may have taken it all the same, and then takes another one. Who asked it for the
 * first one would take it for an instance with other settings, and refuse payments.
 */
function hasLeft(row: ShardRow, other: ShardRow): boolean {
  if (row.shard === other.shard || row.address !== other.address) return false;
  return Date.parse(other.heartbeat) > Date.parse(row.heartbeat);
}
