// Child processes that can't outlive us: the kernel signals them when this process ends, however it ends (PR_SET_PDEATHSIG, by
// util-linux's setpriv, which every Debian and Ubuntu has). Each has its own process group: a terminal's Ctrl-C reaches only us,
// and we stop our children in the order that we choose.

import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';

/** Whom a child runs as, when not as we do. */
export interface User {
  readonly uid: number;
  readonly gid: number;
  /** Keeps the right to pass permissions: for a program that refuses to be root in a tree that only root may enter. */
  readonly anyFile: boolean;
}

export interface Tether {
  /** What the child gets when we end. */
  readonly deathSignal: NodeJS.Signals;
  readonly stdio: StdioOptions;
  readonly environment?: Readonly<Record<string, string>> | undefined;
  readonly user?: User | undefined;
}

/** Starts `command`. Call it from the main thread: the end of the thread that starts a child counts as ours. */
export function spawnTethered(command: readonly string[], tether: Tether): ChildProcess {
  const words = ['--pdeathsig', tether.deathSignal, ...asUser(tether.user), '--', ...command];
  return spawn('setpriv', words, {
    cwd: '/',
    detached: true,
    // nginx lives in /usr/sbin, which is not on everybody's path.
    env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin`, ...tether.environment },
    stdio: tether.stdio,
  });
}

/** The words for `setpriv` that make it run a command as `user`. */
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

/** Kills what is left of the child's process group: nginx's worker outlives its master, for one. */
export function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
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
