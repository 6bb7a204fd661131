// A directory of a test's own, short enough for Unix sockets, open to `nobody` (nginx's workers, PostgreSQL under root), and
// removed when the process ends, also when a test failed.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const directories = new Set<string>();

export function makeTempDirectory(): string {
  if (directories.size === 0) process.once('exit', () => directories.forEach(removeTempDirectory));
  const directory = mkdtempSync(join(tmpdir(), 'repasse-test-'));
  chmodSync(directory, 0o755);
  directories.add(directory);
  return directory;
}

export function removeTempDirectory(directory: string): void {
  directories.delete(directory);
  // What a dying process still writes is removed in another try.
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
}
