// The parts of an `npm start` that runs on this machine, found by the sockets on which they listen:
// that is true also after a part died and was started again.

import { readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beganAt, commandOf, familyOf, holdersOf, listeningPort } from './processes.ts';
import { listeningSocket } from './processes.ts';

export interface Where {
  /** DATA_DIR, absolute. */
  readonly dataDirectory: string;
  readonly url: string;
  readonly processorUrls: readonly [string, string];
}

const SOCKETS = {
  'instance 0': 'api-0.sock',
  'instance 1': 'api-1.sock',
  postgres: 'postgres/.s.PGSQL.5432',
} as const;
const PROCESSORS = ['default processor', 'fallback processor'] as const;
const SIMULATOR = 'simulator.js';

export class RunningParts {
  readonly #where: Where;
  readonly #sockets: string;
  readonly #known = new Set<string>();
  #pids: ReadonlyMap<string, number> = new Map();
  /** Of each pid, so that another process with the same number isn't taken for it. */
  #began = new Map<number, string | undefined>();

  private constructor(where: Where) {
    this.#where = where;
    this.#sockets = socketDirectory(where.dataDirectory);
  }

  /** Undefined unless the system at `url` is the one whose files are in `dataDirectory`. */
  static find(where: Where): RunningParts | undefined {
    const parts = new RunningParts(where);
    parts.look();
    return parts.#pids.has('nginx') && parts.#pids.has('instance 0') ? parts : undefined;
  }

  /** The main process of each part that runs, as `look` found it. */
  get pids(): ReadonlyMap<string, number> {
    return this.#pids;
  }

  /** Where an instance listens; it answers /internal/status there. */
  instanceSockets(): readonly string[] {
    return [SOCKETS['instance 0'], SOCKETS['instance 1']].map((name) => join(this.#sockets, name));
  }

  /** All processes of a part; none while it is down. */
  familyOf(part: string): number[] {
    const pid = this.#pids.get(part);
    return pid === undefined ? [] : familyOf(pid);
  }

  /** Whether a part is down, or was when `look` was called last. */
  get isOutdated(): boolean {
    const isGone = [...this.#began].some(([pid, began]) => beganAt(pid) !== began);
    return isGone || this.#pids.size < this.#known.size;
  }

  /** Reads all of /proc: some milliseconds. */
  look(): void {
    const { url, processorUrls, dataDirectory } = this.#where;
    const inodes = new Map<string, string>();
    const note = (part: string, inode: string | undefined): void => {
      if (inode !== undefined) inodes.set(part, inode);
    };
    for (const [part, name] of Object.entries(SOCKETS)) {
      note(part, listeningSocket(join(this.#sockets, name)));
    }
    note('nginx', listeningPort(portHere(url)));
    PROCESSORS.forEach((part, index) => {
      note(part, listeningPort(portHere(processorUrls[index] ?? '')));
    });
    const holders = holdersOf([...inodes.values()]);
    const found = [...inodes].flatMap(([part, inode]): [string, number][] => {
      const pid = holders.get(inode);
      return pid !== undefined && isOurs(part, pid, dataDirectory) ? [[part, pid]] : [];
    });
    this.#pids = new Map(found);
    for (const [part] of found) this.#known.add(part);
    this.#began = new Map(found.map(([, pid]) => [pid, beganAt(pid)]));
  }
}

/** A port may belong to anybody's nginx, or to another processor. */
function isOurs(part: string, pid: number, dataDirectory: string): boolean {
  const command = commandOf(pid);
  if (part === 'nginx') return command.includes(join(dataDirectory, 'nginx', 'nginx.conf'));
  return !part.endsWith('processor') || command.includes(SIMULATOR);
}

/** `run` is a link to another directory where sockets were not possible in DATA_DIR. */
function socketDirectory(dataDirectory: string): string {
  const here = join(dataDirectory, 'run');
  try {
    return readlinkSync(here);
  } catch {
    return here;
  }
}

/** 0 unless the address is on this machine. */
function portHere(url: string): number {
  const { hostname, port } = new URL(url);
  return ['127.0.0.1', 'localhost', '[::1]'].includes(hostname) ? Number(port || 80) : 0;
}
