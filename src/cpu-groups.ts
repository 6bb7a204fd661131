// The control groups of this process that may have a quota of CPU: its own and those above it, as
// far as it can see them. In version 2 of control groups there is one tree; in version 1 the quota
// and the use may be in two (cgroup-v2.rst and cgroup-v1 in the kernel's documentation).

const US_PER_MS = 1_000;
const NS_PER_MS = 1_000_000;

export interface CpuGroup {
  /** Its quota; infinite without one, NaN where that can't be read. */
  cores(): number;
  /** CPU time of all its processes, in milliseconds. NaN where that can't be read. */
  usedMs(): number;
}

/** The text of a file. Throws when it can't be read. */
type Read = (path: string) => string;

interface Mount {
  /** The directory of the tree that is mounted. */
  readonly root: string;
  readonly at: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** Empty where there are none: another system than Linux, or files that can't be read. */
export function groupsOf(read: Read): readonly CpuGroup[] {
  const lines = textOf(read, '/proc/self/cgroup').split('\n');
  const mounts = mountsIn(textOf(read, '/proc/self/mountinfo'));
  if (mountOf('cpu', mounts) !== undefined) {
    const use = directoriesOf('cpuacct', lines, mounts);
    return directoriesOf('cpu', lines, mounts).map((directory, n) => ({
      cores: () =>
        share(
          numberIn(read, `${directory}/cpu.cfs_quota_us`),
          numberIn(read, `${directory}/cpu.cfs_period_us`),
        ),
      usedMs: () => numberIn(read, `${use[n]}/cpuacct.usage`) / NS_PER_MS,
    }));
  }
  return directoriesOf('', lines, mounts).map((directory) => ({
    cores: () => {
      const [quota = '', period = ''] = textOf(read, `${directory}/cpu.max`).split(' ');
      return quota === 'max'
        ? Infinity
        : share(Number.parseInt(quota, 10), Number.parseInt(period, 10));
    },
    usedMs: () => {
      const [, us] = /^usage_usec (\d+)$/m.exec(textOf(read, `${directory}/cpu.stat`)) ?? [];
      return Number(us) / US_PER_MS;
    },
  }));
}

/** A group without a quota has -1 or `max`. The tree's root has no such file. */
function share(quotaUs: number, periodUs: number): number {
  if (quotaUs < 0) return Number.POSITIVE_INFINITY;
  return quotaUs > 0 && periodUs > 0 ? quotaUs / periodUs : Number.NaN;
}

/** The usual place first: another tree may be mounted elsewhere. '' is version 2. */
function mountOf(controller: string, mounts: readonly Mount[]): Mount | undefined {
  const all = mounts.filter(({ type, options }) =>
    controller === '' ? type === 'cgroup2' : type === 'cgroup' && options.includes(controller),
  );
  return all.find(({ at }) => at.startsWith('/sys/fs/cgroup')) ?? all[0];
}

/**
 * The directory of this process's group in the tree of a controller ('' for version 2's), and those
 * above it, up to where the tree is mounted.
 */
function directoriesOf(
  controller: string,
  lines: readonly string[],
  mounts: readonly Mount[],
): string[] {
  const mount = mountOf(controller, mounts);
  const path = lines
    .map((line) => /^\d+:([^:]*):(.*)$/.exec(line))
    .find((parts) => parts !== null && (parts[1] as string).split(',').includes(controller))?.[2];
  if (mount === undefined || path === undefined) return [];
  const root = mount.root === '/' ? '' : mount.root;
  // A container may see its own group alone, and a path that begins above it.
  const isBelow = path.startsWith(`${root}/`) && !path.includes('/..');
  const names = isBelow ? path.slice(root.length).split('/').filter(Boolean) : [];
  return Array.from({ length: names.length + 1 }, (_, up) =>
    [mount.at, ...names.slice(0, names.length - up)].join('/'),
  );
}

/** proc_pid_mountinfo(5). */
function mountsIn(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const [before = '', after] = line.split(' - ');
    if (after === undefined) return [];
    const [, , , root = '', at = ''] = before.split(' ').map(unescaped);
    const [type = '', , options = ''] = after.split(' ');
    return [{ root, at, type, options: options.split(',') }];
  });
}

/** A blank in a path is written as \040. */
const unescaped = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );

function textOf(read: Read, path: string): string {
  try {
    return read(path);
  } catch {
    return '';
  }
}

const numberIn = (read: Read, path: string): number => Number.parseInt(textOf(read, path), 10);
