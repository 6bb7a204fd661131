// A crash at a named point, and what it leaves in the journal, at the processors and in the ledger.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { HEADER_BYTES, Journal, SLOT_BYTES } from '../../src/buffer/journal.ts';
import { Ring } from '../../src/buffer/ring.ts';
import { MemoryJournalFile } from '../buffer/memory-journal-file.ts';
import { ledgerEntries, processorEntries } from '../world/books.ts';
import type { Instance } from '../world/instances.ts';
import { waitUntil } from '../world/wait-until.ts';
import type { World } from '../world/world.ts';
import type { CrashPoint } from './crash-at.ts';

const CRASH_AT = new URL('./crash-at.js', import.meta.url).href;

/** Starts the instance anew and lets `act` lead it to its death at `point`; what `act` gives. */
export async function crash<T>(
  instance: Instance,
  point: CrashPoint,
  act: () => Promise<T>,
): Promise<T> {
  await instance.kill();
  await instance.restart({ NODE_OPTIONS: `--import ${CRASH_AT}`, CRASH_AT: point });
  const told = await act();
  await waitUntil(`it dies: ${point}`, () => !instance.program.running, { withinMs: 30_000 });
  assert.equal(await instance.program.ended(), 'SIGKILL');
  await waitUntil('it has said so', () => instance.program.errors.at(-1) === `dies: ${point}`);
  return told;
}

export interface Journalled {
  readonly payments: readonly {
    readonly id: string;
    readonly pinnedAtMs: number | undefined;
    readonly isCharged: boolean;
  }[];
  readonly torn: number;
}

/** What the next start will find. */
export function journalled({ journalPath }: Instance): Journalled {
  const bytes = readFileSync(journalPath);
  const ring = new Ring((bytes.length - HEADER_BYTES) / SLOT_BYTES, 1);
  const { slots, damagedCells } = new Journal(
    MemoryJournalFile.holding(bytes),
    ring,
    'never',
  ).recover();
  const payments = slots.map((slot) => ({
    id: ring.idText(slot),
    pinnedAtMs: ring.pinOf(slot) < 0 ? undefined : ring.requestedAtMs[slot],
    isCharged: ring.chargeState[slot] !== 0,
  }));
  return { payments, torn: damagedCells };
}

export interface Traces {
  /** Requests that processors received. */
  readonly sent: number;
  readonly askedAbout: number;
  readonly charged: number;
  readonly recorded: number;
}

export async function traces(world: World): Promise<Traces> {
  const attempts = await Promise.all(world.processors.map(({ levers }) => levers.attempts()));
  return {
    sent: attempts.reduce((sum, { posts }) => sum + posts.received, 0),
    askedAbout: attempts.reduce((sum, { lookups }) => sum + lookups.received, 0),
    charged: (await processorEntries(world)).size,
    recorded: (await ledgerEntries(world)).size,
  };
}
