// A clock of its own for a host, with libfaketime: what time its instances and its PostgreSQL see
// can be changed while they run. Patroni is left alone: under libfaketime 0.9.10 Python's sleep
// fails (EINVAL).

import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Layout } from './layout.ts';

const SHARED_MEMORY = '/dev/shm';
const LIBRARIES = '/usr/lib';
const LIBRARY = 'faketime/libfaketimeMT.so.1';

/** undefined where Debian's package libfaketime isn't installed. */
export function fakeTimeLibrary(): string | undefined {
  const paths = readdirSync(LIBRARIES).map((name) => join(LIBRARIES, name, LIBRARY));
  return paths.find((path) => existsSync(path));
}

const clockPath = (layout: Layout, host: number): string => layout.file(host, 'clock');

/** From now on, by how much the host's clock is ahead of the real one. */
export function setClock(layout: Layout, host: number, aheadSeconds: number): void {
  const sign = aheadSeconds < 0 ? '' : '+';
  writeFileSync(clockPath(layout, host), `${sign}${aheadSeconds}\n`);
}

/**
 * The command, run with the host's clock. The variables are for the program alone: what comes
 * before it may run as another user, with whom the library can't share its memory.
 */
export function withClock(
  command: readonly string[],
  layout: Layout,
  host: number,
  library: string,
): readonly string[] {
  const environment = {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: clockPath(layout, host),
    // Looks into the file again each second.
    FAKETIME_CACHE_DURATION: '1',
    // Durations go on as they were: only the time of day jumps.
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
  const words = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  return ['env', ...words, ...command];
}

/** A directory with the programs in `from`, of which postgres runs with the host's clock. */
export async function programsWithClock(
  from: string,
  layout: Layout,
  host: number,
  library: string,
): Promise<string> {
  const directory = layout.file(host, 'programs');
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory);
  for (const name of readdirSync(from)) {
    if (name !== 'postgres') await symlink(join(from, name), join(directory, name));
  }
  const command = withClock([join(from, 'postgres')], layout, host, library);
  const script = `#!/bin/sh\nexec ${command.map((word) => `'${word}'`).join(' ')} "$@"\n`;
  await writeFile(join(directory, 'postgres'), script, { mode: 0o755 });
  return directory;
}

/** What libfaketime leaves of processes that were killed. */
export function removeClocks(): void {
  for (const name of readdirSync(SHARED_MEMORY)) {
    const pid = /^(?:faketime_shm|sem\.faketime_sem)_(\d+)$/.exec(name)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    rmSync(join(SHARED_MEMORY, name), { force: true });
  }
}
