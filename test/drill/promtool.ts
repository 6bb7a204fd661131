// Prometheus' own promtool, of Debian's package. Where it is missing, the package is fetched and
// unpacked beside the npm packages: nothing is installed, so no server starts.

import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

const OWN = resolve('node_modules/.cache/promtool');
const PROGRAMS = ['/usr/bin/promtool', '/usr/local/bin/promtool', join(OWN, 'usr/bin/promtool')];
const TEST_MS = 60_000;

/** The path of the program. @throws Error that names the package if it can't be had */
export function findPromtool(): string {
  return PROGRAMS.find((path) => existsSync(path)) ?? unpack();
}

function unpack(): string {
  const run = (program: string, ...words: readonly string[]): void => {
    execFileSync(program, words, { cwd: OWN, stdio: ['ignore', 'ignore', 'inherit'] });
  };
  mkdirSync(OWN, { recursive: true });
  try {
    // Only root may renew the lists; old ones may still be good enough.
    if (process.getuid?.() === 0) run('apt-get', '-qq', 'update');
    run('apt-get', '-qq', '-o', 'APT::Sandbox::User=', 'download', 'prometheus');
    const [name = ''] = readdirSync(OWN).filter((file) => file.endsWith('.deb'));
    run('dpkg-deb', '--extract', name, '.');
    rmSync(join(OWN, name));
    rmSync(join(OWN, 'usr/bin/prometheus'));
  } catch (error) {
    rmSync(OWN, { recursive: true, force: true });
    throw new Error('needs promtool: apt-get install prometheus', { cause: error });
  }
  return join(OWN, 'usr/bin/promtool');
}

/** What `promtool test rules` says is wrong; undefined if all is as the file expects. */
export function testRules(program: string, file: string): Promise<string | undefined> {
  return new Promise((done) => {
    execFile(program, ['test', 'rules', file], { timeout: TEST_MS }, (error, stdout, stderr) => {
      done(error === null ? undefined : `${error.message}\n${stdout}\n${stderr}`);
    });
  });
}
