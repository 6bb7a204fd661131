// Finds k6: $K6, else the PATH, ~/go/bin, /usr/local/bin, in this order. Then tries it, before
// anything is purged for a run that can't begin.
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

/** For --help. */
export const K6_VARIABLE =
  'the path of k6; otherwise PATH, ~/go/bin and /usr/local/bin are searched';

const HOW_TO_GET_K6 = `one of these brings it, version 1.0 or later:
  go install go.k6.io/k6@v1.1.0
  your system's package: k6 (pacman, brew, nix, choco), or k6's own repository for apt and dnf
  the program itself, from the releases of k6 (grafana/k6 on GitHub): unpack it into a directory of
    the PATH
  its container image: docker cp "$(docker create grafana/k6:1.1.0)":/usr/bin/k6 .
https://grafana.com/docs/k6/latest/set-up/install-k6/ explains them.
K6=/path/to/k6 names a place that is not on the PATH.`;

/** Where it was looked for, and what brings it. */
export function noK6(env: Environment): string {
  const named = env['K6'] ?? '';
  return `k6 not found: ${named === '' ? '' : `K6=${named} is no program; `}${HOW_TO_GET_K6}`;
}

type Environment = Readonly<Record<string, string | undefined>>;

const run = promisify(execFile);
const LEAST_MAJOR = 1;
const TRIAL = 'export const options = { iterations: 1 }; export default function () {}\n';

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** null when there is none. If $K6 is set, no other place is searched. */
export function findK6(env: Environment): string | null {
  const named = env['K6'] ?? '';
  if (named !== '') return isProgram(named) ? named : null;
  const places = [
    ...(env['PATH'] ?? '').split(delimiter),
    join(env['HOME'] ?? homedir(), 'go', 'bin'),
    '/usr/local/bin',
  ];
  return (
    places
      .filter((place) => place !== '')
      .map((place) => join(place, 'k6'))
      .find(isProgram) ?? null
  );
}

/** "1.1.0". @throws Error when it is no k6, or older than the script needs. */
export async function versionOfK6(k6: string): Promise<string> {
  const said = await run(k6, ['version']).then(
    ({ stdout }) => stdout,
    (error: Error) => error.message,
  );
  const [, version, major] = /^k6(?:\.exe)? v((\d+)\.\S+)/.exec(said) ?? [];
  if (version === undefined)
    throw new Error(`${k6} is no k6: ${said.trim().split('\n')[0] || 'it says nothing'}`);
  if (Number(major) < LEAST_MAJOR) {
    throw new Error(`${k6} is k6 ${version}; the script needs 1.0 or later`);
  }
  return version;
}

/** Runs k6 without a load. @throws Error with k6's word on an output that it doesn't take. */
export async function tryOutputs(k6: string, outs: readonly string[]): Promise<void> {
  if (outs.length === 0) return;
  const place = await mkdtemp(join(tmpdir(), 'repasse-k6-'));
  try {
    const script = join(place, 'trial.js');
    await writeFile(script, TRIAL);
    const words = ['--quiet', '--no-color', '--no-usage-report', '--address', ''];
    const all = [...words, '--log-format', 'raw', ...outs.flatMap((out) => ['--out', out])];
    await run(k6, ['run', ...all, script]).catch((error: { stderr?: string }) => {
      const why = String(error.stderr).trim().split('\n').at(-1);
      throw new Error(`k6 does not take --out ${outs.join(' --out ')}: ${why}`);
    });
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}
