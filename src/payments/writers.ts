// Who has a file open for writing, as /proc tells.

import { readdirSync, readFileSync, statSync, type Stats } from 'node:fs';

/**
 * The ids of the processes that have the file open for writing. Processes of other users and of
 * other containers may be missing.
 */
export function writersOf({ dev, ino }: Stats): number[] {
  return processes().filter((pid) =>
    entries(`/proc/${pid}/fd`).some((descriptor) => {
      try {
        const found = statSync(`/proc/${pid}/fd/${descriptor}`);
        return found.ino === ino && found.dev === dev && isForWriting(pid, descriptor);
      } catch {
        return false;
      }
    }),
  );
}

const processes = (): number[] =>
  entries('/proc')
    .map(Number)
    .filter((pid) => pid > 0);

/** Empty if they can't be read, or there is no /proc. */
function entries(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** O_WRONLY or O_RDWR. @throws if the process ended */
function isForWriting(pid: number, descriptor: string): boolean {
  const text = readFileSync(`/proc/${pid}/fdinfo/${descriptor}`, 'utf8');
  return (Number.parseInt(/^flags:\s*(\d+)$/m.exec(text)?.[1] ?? '0', 8) & 3) !== 0;
}
