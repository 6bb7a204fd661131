// Processes as /proc shows them: who listens where, their children, their CPU time and memory.
// Another user's processes can't be read, and count as absent.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const PAGE_BYTES = 4_096;
/** USER_HZ, which is 100 on every Linux that Node runs on. */
const MS_PER_TICK = 10;
const SOCKET_LISTENS = '00010000';
const TCP_LISTENS = '0A';
const LOOPBACKS = ['0100007F', '00000000', '0'.repeat(32), `${'0'.repeat(24)}01000000`];

export interface Usage {
  /** Since the process began. */
  readonly cpuMs: number;
  /** Resident, without and with what it shares with others. */
  readonly privateBytes: number;
  readonly sharedBytes: number;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

const rows = (path: string): string[][] =>
  read(path)
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/));

/** The inode of the Unix socket on which somebody listens at `path`. */
export function listeningSocket(path: string): string | undefined {
  const row = rows('/proc/net/unix').find(
    (fields) => fields[3] === SOCKET_LISTENS && fields.slice(7).join(' ') === path,
  );
  return row?.[6];
}

/** The inode of the socket that listens at this port of this machine. */
export function listeningPort(port: number): string | undefined {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const all = [...rows('/proc/net/tcp'), ...rows('/proc/net/tcp6')];
  const row = all.find(([, local = '', , state]) => {
    const [address = '', hex] = local.split(':');
    return state === TCP_LISTENS && hex === wanted && LOOPBACKS.includes(address);
  });
  return row?.[9];
}

/** The oldest process that holds each of these sockets, by inode. */
export function holdersOf(inodes: readonly string[]): ReadonlyMap<string, number> {
  const wanted = new Map(inodes.map((inode) => [`socket:[${inode}]`, inode]));
  const found = new Map<string, number>();
  const pids = names('/proc').map(Number).filter(Number.isInteger);
  for (const pid of pids.toSorted((one, other) => one - other)) {
    for (const descriptor of names(`/proc/${pid}/fd`)) {
      const inode = wanted.get(linkOf(`/proc/${pid}/fd/${descriptor}`));
      if (inode === undefined) continue;
      // A worker inherits its master's socket.
      const holder = found.get(inode);
      if (holder === undefined || parentOf(holder) === pid) found.set(inode, pid);
    }
  }
  return found;
}

function names(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** The fields of /proc/<pid>/stat from the third on: a program's name may hold blanks. */
function statOf(pid: number): string[] {
  const text = read(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

const parentOf = (pid: number): number => Number(statOf(pid)[1]);

/** When it began, in ticks: a pid may be given to another process later. */
export const beganAt = (pid: number): string | undefined => statOf(pid)[19];

/** The kernel's letter for what it does: `T` is stopped by a signal. Undefined: there is none. */
export const stateOf = (pid: number): string | undefined => statOf(pid)[0] || undefined;

/** Whether it has ended, even if nobody has collected it. */
export const isGone = (pid: number): boolean => [undefined, 'Z', 'X'].includes(stateOf(pid));

export const commandOf = (pid: number): string =>
  read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');

export function environmentOf(pid: number): ReadonlyMap<string, string> {
  const pairs = read(`/proc/${pid}/environ`).split('\0');
  return new Map(
    pairs.map((pair) => {
      const end = pair.indexOf('=');
      return [pair.slice(0, end), pair.slice(end + 1)];
    }),
  );
}

/** The process and all below it. */
export function familyOf(pid: number): number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).trim();
  const below = children === '' ? [] : children.split(' ').map(Number);
  return [pid, ...below.flatMap(familyOf)];
}

/** CPU time of the process and all below it, also of those that ended and were waited for. */
export function familyCpuMs(pid: number): number {
  const ticks = familyOf(pid).flatMap((each) => statOf(each).slice(11, 15).map(Number));
  return ticks.reduce((sum, each) => sum + each, 0) * MS_PER_TICK;
}

/**
 * Time for which the machine's cores were busy since it started, summed over the cores. What a
 * hypervisor gave to others while a core had work counts too. null where /proc is not Linux's.
 */
export function machineCpuMs(): number | null {
  const [first = ''] = read('/proc/stat').split('\n', 1);
  const [user, nice, system, , , irq, softirq, steal] = first.split(/\s+/).slice(1).map(Number);
  const busy = [user, nice, system, irq, softirq, steal].map((ticks) => ticks ?? Number.NaN);
  const ticks = busy.reduce((sum, each) => sum + each, 0);
  return Number.isNaN(ticks) ? null : ticks * MS_PER_TICK;
}

/** Of all cores together, since the machine started. */
export interface MachineTimes {
  /** In programs and in the kernel on their behalf; interrupts are left out. */
  readonly busyMs: number;
  /** What a hypervisor gave to others while a core had work. */
  readonly stealMs: number;
  /** Idle or not. */
  readonly allMs: number;
}

/** null where /proc is not Linux's. */
export function machineTimes(): MachineTimes | null {
  const [first = ''] = read('/proc/stat').split('\n', 1);
  const ticks = first.split(/\s+/).slice(1, 9).map(Number);
  const [user = Number.NaN, nice = 0, system = 0, , , , , steal = 0] = ticks;
  if (Number.isNaN(user)) return null;
  return {
    busyMs: (user + nice + system) * MS_PER_TICK,
    stealMs: steal * MS_PER_TICK,
    allMs: ticks.reduce((sum, each) => sum + each, 0) * MS_PER_TICK,
  };
}

export interface ProcessTimes {
  readonly pid: number;
  readonly parent: number;
  /** At most 15 characters, as the kernel keeps it. */
  readonly name: string;
  readonly began: string;
  readonly cpuMs: number;
}

/** All processes that there are now, the kernel's own threads too. */
export function allProcesses(): ProcessTimes[] {
  const pids = names('/proc').map(Number).filter(Number.isInteger);
  return pids.flatMap((pid) => {
    const text = read(`/proc/${pid}/stat`);
    const [from, to] = [text.indexOf('('), text.lastIndexOf(')')];
    if (from < 0) return [];
    const fields = text.slice(to + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    const [parent, began = ''] = [Number(fields[1]), fields[19]];
    return { pid, parent, name: text.slice(from + 1, to), began, cpuMs: ticks * MS_PER_TICK };
  });
}

/** The control groups of a process, as the kernel lists them; empty for one that is gone. */
export const controlGroupsOf = (pid: number): string => read(`/proc/${pid}/cgroup`);

/** How many files and sockets it has open; 0 for another user's, unless this user is root. */
export const descriptorsOf = (pid: number): number => names(`/proc/${pid}/fd`).length;

/** null when it is gone. */
export function usageOf(pid: number): Usage | null {
  const stat = statOf(pid);
  const [, resident, shared] = read(`/proc/${pid}/statm`).split(' ').map(Number);
  if (stat.length < 13 || resident === undefined || shared === undefined) return null;
  return {
    cpuMs: (Number(stat[11]) + Number(stat[12])) * MS_PER_TICK,
    privateBytes: (resident - shared) * PAGE_BYTES,
    sharedBytes: shared * PAGE_BYTES,
  };
}
