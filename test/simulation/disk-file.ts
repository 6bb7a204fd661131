// The files of an instance as a process sees them: simulated disks, whose writes and syncs may
// fail.

import type { FilterFile } from '../../src/buffer/filter-file.ts';
import type { JournalFile } from '../../src/buffer/journal.ts';
import type { Program } from './program.ts';
import { DiskFault, type SimulatedDisk } from './simulated-disk.ts';
import type { World } from './world.ts';

export function fileOf(world: World, disk: SimulatedDisk, program: Program): JournalFile {
  const { weather } = world;
  const { dice } = program;
  return {
    read: (buffer, position) => (program.step() ? disk.read(buffer, position) : 0),
    write: (buffer, position) => {
      if (!program.alive) return;
      world.note('write', -1, position);
      if (!program.step()) return disk.tear(buffer, position);
      if (!weather.strikes('writeFails')) return disk.write(buffer, position);
      disk.tear(buffer, position);
      throw new DiskFault(program);
    },
    sync: () =>
      new Promise((resolve, reject) => {
        if (!program.step()) return;
        const mark = disk.mark();
        const fails = weather.strikes('syncFails');
        const tookMs = weather.strikes('syncLate') ? dice.spread(5, 500) : 0.2;
        program.later(dice.between(0, tookMs), () => {
          world.note('synced', -1, mark);
          if (fails) disk.syncFailed(mark);
          else disk.synced(mark);
          if (fails) reject(new DiskFault(program));
          else resolve();
        });
      }),
  };
}

/** The file of the Bloom filter. `boots` counts how often the machine was started. */
export function filterFileOf(
  world: World,
  disk: SimulatedDisk,
  { program, boots }: { readonly program: Program; readonly boots: number },
): FilterFile {
  const { weather } = world;
  return {
    bootId: `00000000-0000-0000-0000-${String(boots + 1).padStart(12, '0')}`,
    read: (buffer, position) => (program.step() ? disk.read(buffer, position) : 0),
    write: (buffer, position) => {
      if (!program.alive) return;
      world.note('filter write', -1, position);
      if (!program.step()) return disk.tear(buffer, position);
      if (!weather.strikes('filterWriteFails')) return disk.write(buffer, position);
      disk.tear(buffer, position);
      throw new Error('EIO: the disk fails');
    },
    empty: () => {
      if (program.step()) disk.remove();
    },
  };
}
