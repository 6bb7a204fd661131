// Which Patroni is used, the one that setup.sh has put into node_modules or the system's, and what
// it can do.
//
// Before 3.0.3 (Debian 12 has 3.0.2) its code for etcd3 writes the leader's key without looking at
// who has it: a primary that was cut off reads an old value from its own etcd, and takes the lease
// from its successor when it is back. Then there are two primaries, and acknowledged commits are
// lost, hundreds in our test of a primary that is cut off (Patroni's pull requests 2689 and 2693).
// Its code for the older API compares before it writes.
//
// From 4.0 on a commit may wait for any one of the standbys (a quorum): the loss of one of them
// stops none, and the one that has most becomes the new primary. Before, the only one that may
// become it is the synchronous one, and the other one may have more: then that one must be rewound
// (pg_rewind) before commits go on, which takes seconds.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const NEWER = fileURLToPath(new URL('../../../node_modules/.patroni-4.0.11/', import.meta.url));
const isNewer = existsSync(`${NEWER}complete`);

/** The command, without its arguments. */
export const PATRONI: readonly string[] = isNewer
  ? [`${NEWER}bin/python`, '-m', 'patroni']
  : ['patroni'];
/** What another user must be able to read. */
export const PATRONI_FILES: readonly string[] = isNewer ? [NEWER] : [];

export interface PatroniFeatures {
  /** Which of etcd's two APIs it uses. */
  readonly etcdApi: 'etcd' | 'etcd3';
  readonly synchronousMode: true | 'quorum';
}

export function featuresOf(version: string): PatroniFeatures {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  const isMended = major > 3 || (major === 3 && (minor > 0 || patch >= 3));
  return {
    etcdApi: isMended ? 'etcd3' : 'etcd',
    synchronousMode: major >= 4 ? 'quorum' : true,
  };
}

function versionText(): string {
  const [program = '', ...words] = PATRONI;
  return execFileSync(program, [...words, '--version'], { encoding: 'utf8' });
}

let known: PatroniFeatures | undefined;

/** Of the Patroni that is used. */
export function patroniFeatures(): PatroniFeatures {
  known ??= featuresOf(/\d+\.\d+\.\d+/.exec(versionText())?.[0] ?? '');
  return known;
}
