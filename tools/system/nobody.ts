// The user `nobody` and its group: who nginx's workers and PostgreSQL are where we are root.

import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync } from 'node:fs';

const ask = (flag: '-u' | '-g'): number =>
  Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));

export const userOfNobody = (): number => ask('-u');
export const groupOfNobody = (): number => ask('-g');

/**
 * What root makes in `directory` from now on, sockets too, belongs to nobody's group. Others may
 * pass through the directory with `mode` 0o751, and list it with 0o755.
 */
export function shareWithNobody(directory: string, mode: 0o751 | 0o755): void {
  chownSync(directory, 0, groupOfNobody());
  // The bit 0o2000 hands the group on.
  chmodSync(directory, 0o2000 | mode);
}
