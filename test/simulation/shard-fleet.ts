// The processes of a cluster: some run a shard, the others are spares.

import { TableJournal } from '../../src/cluster/table-journal.ts';
import type { Config } from '../../src/config/config.ts';
import { unleashOnShards } from './shard-plagues.ts';
import { idsIn, type Fleet } from './fleet.ts';
import { ShardProcess, type ShardProcessParts } from './shard-process.ts';
import { SimulatedDatabase } from './simulated-database.ts';

/** There is a config for each process. */
export function shardFleet(
  configs: readonly Config[],
  parts: Omit<ShardProcessParts, 'database' | 'config' | 'acknowledged'>,
): Fleet {
  const { SHARDS: shards, RING_SLOTS } = configs[0] as Config;
  const { world } = parts;
  world.weather.addShards();
  world.books.ownersMove = true;
  const database = new SimulatedDatabase(world, shards);
  const acknowledged = Array.from({ length: shards }, () => new Set<string>());
  const members = configs.map(
    (config) => new ShardProcess({ ...parts, database, config, acknowledged }),
  );
  unleashOnShards({ ...parts, database, members });
  const running = (shard: number): ShardProcess[] =>
    members.filter(({ isUp, number }) => isUp && number === shard);
  return {
    members,
    instances: shards,
    membersMove: true,
    running,
    reachedBy: (from, shard) => {
      const address = members.find(({ program }) => program === from)?.addresses[shard];
      return running(shard).find(({ config }) => config.PEER_LISTEN === address);
    },
    inJournal: (shard) => {
      const cells = database.tables.cells[shard] ?? new Map<number, Buffer>();
      const rows = [...cells].map(([slot, cell]) => ({ slot, cell }));
      const journal = new TableJournal(RING_SLOTS, rows, { write: () => Promise.resolve() });
      return journal.isNew ? [] : idsIn(journal, RING_SLOTS);
    },
    onlyLife: (shard) => {
      // One that stands still for good is none of those that settle anything.
      const lives = members.filter(({ number, isFrozen }) => number === shard && !isFrozen);
      return lives.length === 1 && lives[0]?.isFollowed === false ? lives[0].program : undefined;
    },
    onContest: (happen) => {
      database.onContest = happen;
    },
    heal: () => {
      database.heal();
      for (const member of members) member.heal();
      if (world.dice.chance(0.3)) world.dice.pick(members).freeze();
    },
  };
}
