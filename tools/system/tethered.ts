// Child processes that end with this one: the kernel signals them, however this process ends
// (PR_SET_PDEATHSIG, by util-linux's setpriv, which every Debian and Ubuntu has). Each has its own
// process group: a terminal's Ctrl-C reaches only this process, which stops the children in order.

import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';

/** The user of a child, if it is another one. */
export interface User {
  readonly uid: number;
  readonly gid: number;
  /** Keeps the right to read any file: for a program that refuses to be root, in root's tree. */
  readonly anyFile: boolean;
}

export interface Tether {
  /** The child gets it when this process ends. */
  readonly deathSignal: NodeJS.Signals;
  readonly stdio: StdioOptions;
  readonly environment?: Readonly<Record<string, string>> | undefined;
  readonly user?: User | undefined;
  /** The network namespace, by its name in /run/netns. Needs root. */
  readonly namespace?: string | undefined;
}

/** Starts `command`. Call it from the main thread: the signal is tied to the calling thread. */
export function spawnTethered(command: readonly string[], tether: Tether): ChildProcess {
  const words = ['--pdeathsig', tether.deathSignal, ...asUser(tether.user), '--', ...command];
  const entering = tether.namespace ? ['nsenter', `--net=/run/netns/${tether.namespace}`] : [];
  const [program = '', ...rest] = [...entering, 'setpriv', ...words];
  return spawn(program, rest, {
    cwd: '/',
    detached: true,
    // nginx is in /usr/sbin, which is not on every user's path.
    env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin`, ...tether.environment },
    stdio: tether.stdio,
  });
}

/** The options of `setpriv` that run a command as `user`. */
export function asUser(user: User | undefined): readonly string[] {
  if (!user) return [];
  const words = ['--reuid', String(user.uid), '--regid', String(user.gid), '--clear-groups'];
  if (!user.anyFile) return words;
  // no_setuid_fixup: without it access(2) ignores capabilities, and PostgreSQL asks access(2).
  const one = ['inh-caps', 'ambient-caps', 'bounding-set'];
  const rights = one.map((name) => `--${name}=-all,+dac_override`);
  return [...words, ...rights, '--securebits=+no_setuid_fixup'];
}

/** Whether the child has ended and been collected. */
export const hasEnded = (child: ChildProcess): boolean =>
  child.pid === undefined || child.exitCode !== null || child.signalCode !== null;

/** Resolves with the exit code, or the signal's name, once the child has ended. */
export async function ended(child: ChildProcess): Promise<number | NodeJS.Signals> {
  if (!hasEnded(child)) {
    await new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
  }
  return child.signalCode ?? child.exitCode ?? 127;
}

/** Signals the child alone. */
export function signal(child: ChildProcess, name: NodeJS.Signals): void {
  if (!hasEnded(child)) child.kill(name);
}

/** Kills the rest of the child's process group: nginx's worker may outlive its master. */
export function killGroup(child: ChildProcess): void {
  signalGroup(child, 'SIGKILL');
}

/** Signals the child and what it started. */
function signalGroup(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/**
 * When `wish` comes, sends `name` to the child and what it started, and kills them `graceMs` later.
 * Call the returned function once the child has ended.
 */
export function stopAt(
  wish: AbortSignal,
  child: ChildProcess,
  name: NodeJS.Signals,
  graceMs: number,
): () => void {
  let timer: NodeJS.Timeout | undefined;
  const end = (): void => {
    signalGroup(child, name);
    timer = setTimeout(() => killGroup(child), graceMs);
  };
  wish.addEventListener('abort', end);
  return () => {
    wish.removeEventListener('abort', end);
    clearTimeout(timer);
  };
}

/** Sends `name`, waits `graceMs`, then kills the group. Resolves once the child is gone. */
export async function stop(
  child: ChildProcess,
  name: NodeJS.Signals,
  graceMs: number,
): Promise<void> {
  signal(child, name);
  const timer = setTimeout(() => killGroup(child), graceMs);
  await ended(child);
  clearTimeout(timer);
  killGroup(child);
}
