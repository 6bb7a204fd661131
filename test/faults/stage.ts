// What most tests of faults begin with: one world for the file, random numbers from a logged seed,
// and an empty book.

import { after } from 'node:test';
import { Random, SEED } from '../buffer/seed.ts';
import { openWorld, type World, type WorldOptions } from '../world/world.ts';
import { emptyBook, type Book } from './load.ts';

export interface Stage {
  readonly world: World;
  readonly random: Random;
  readonly book: Book;
}

/**
 * Closed after the file's last test. Its instances have 5,000 slots, with which they start faster.
 */
export async function openStage(options: WorldOptions = {}): Promise<Stage> {
  console.log(`SEED=${SEED}`);
  const environment = { RING_SLOTS: '5000', ...options.environment };
  const world = await openWorld({ ...options, environment });
  after(() => world.close());
  return { world, random: new Random(), book: emptyBook() };
}
