// Shards as processes on this machine: the world of the other tests, with journals that are tables.

import { after } from 'node:test';
import { Random, SEED } from '../buffer/seed.ts';
import { emptyBook, type Book } from '../faults/load.ts';
import { query } from '../world/database.ts';
import { freePort } from '../world/free-port.ts';
import { makeInstances, type Environment, type Instance } from '../world/instances.ts';
import { makeTempDirectory, removeTempDirectory } from '../world/temp-directory.ts';
import { openWorld, type World, type WorldOptions } from '../world/world.ts';

export const SECRET = 'a-secret-of-the-cluster';

export interface Cluster {
  /** Its instances are processes; which shard each one runs is in the database. */
  readonly world: World;
  readonly random: Random;
  readonly book: Book;
  /** A process that waits for a shard; not started yet. */
  readonly spare: Instance;
}

/** Closed after the file's last test. */
export async function openCluster(
  shards: number,
  { environment, ...options }: WorldOptions = {},
): Promise<Cluster> {
  console.log(`SEED=${SEED}`);
  const ports = await Promise.all(Array.from({ length: shards + 1 }, () => freePort()));
  const own = (number: number): Environment => ({
    JOURNAL: 'table',
    SHARDS: String(shards),
    RING_SLOTS: '5000',
    PEER_LISTEN: `127.0.0.1:${ports[number]}`,
    PEER_SECRET: SECRET,
    ...environment,
  });
  const world = await openWorld({ ...options, instances: shards, environmentOf: own });
  const directory = makeTempDirectory();
  const places = world.environmentOf(own(shards));
  const [spare] = makeInstances(directory, 1, () => places) as [Instance];
  after(async () => {
    await spare.close();
    await world.close();
    removeTempDirectory(directory);
  });
  return { world, random: new Random(), book: emptyBook(), spare };
}

export interface ShardRow {
  readonly shard: number;
  readonly epoch: number;
  readonly owner: string;
  readonly address: string;
}

export function shardsOf({ databaseUrl }: Pick<World, 'databaseUrl'>): Promise<ShardRow[]> {
  return query<ShardRow & Record<string, unknown>>(
    databaseUrl,
    'SELECT shard, epoch::int, owner, address FROM shards ORDER BY shard',
  );
}

/** The process that runs the shard. */
export async function ownerOf(world: World, shard: number): Promise<Instance> {
  const rows = await shardsOf(world);
  const owner = rows.find((row) => row.shard === shard)?.owner ?? '';
  const found = world.instances.find(
    ({ program }) => program.running && owner.includes(` process ${program.pid},`),
  );
  if (found === undefined) throw new Error(`shard ${shard} is run by "${owner}"`);
  return found;
}
