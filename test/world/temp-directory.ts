// A test's own directory: short enough for Unix sockets, open to `nobody` (nginx's workers,
// PostgreSQL under root; the sockets in it have their group), and removed when the process ends,
// also after a failed test.

import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { shareWithNobody } from '../../tools/system/nobody.ts';

const directories = new Set<string>();

export function makeTempDirectory(): string {
  if (directories.size === 0) process.once('exit', () => directories.forEach(removeTempDirectory));
  // TMPDIR may be missing, or open to its owner only.
  const place = isOpen(tmpdir()) ? tmpdir() : '/tmp';
  const directory = mkdtempSync(join(place, 'repasse-test-'));
  if (process.getuid?.() === 0) shareWithNobody(directory, 0o755);
  else chmodSync(directory, 0o755);
  directories.add(directory);
  return directory;
}

/** One that is removed when the test is over. */
export function tempDirectoryFor(context: TestContext): string {
  const directory = makeTempDirectory();
  context.after(() => removeTempDirectory(directory));
  return directory;
}

function isOpen(directory: string): boolean {
  const mode = statSync(directory, { throwIfNoEntry: false })?.mode ?? 0;
  return (mode & 0o001) !== 0 && (directory === '/' || isOpen(dirname(directory)));
}

export function removeTempDirectory(directory: string): void {
  directories.delete(directory);
  // What a dying process still writes is removed in another try.
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
}
