// The clinic tools (npm package `clinic`): where they are installed, and the command lines that collect and draw.
//
// They are installed on first use from tools/profile/clinic/package-lock.json into .clinic/tools, so that neither the project's own
// packages nor its sources' directories hold them.

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** From dist/tools/profile. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const SOURCE = join(ROOT, 'tools', 'profile', 'clinic');
const INSTALLED = join(ROOT, '.clinic', 'tools');
const PROGRAM = join(INSTALLED, 'node_modules', 'clinic', 'bin.js');

/** Without these `clinic` asks whether it may report its use, which without a terminal ends it at once and silently. */
export const CLINIC_ENVIRONMENT = { NO_INSIGHT: '1', NO_UPDATE_NOTIFIER: '1' };

type ClinicTool = 'doctor' | 'flame' | 'bubbleprof' | 'heapprofiler';

export interface Report {
  readonly tool: ClinicTool;
  readonly directory: string;
  readonly name: string;
}

/** What clinic collected; the page is the same with .html. */
export const dataPath = ({ tool, directory, name }: Report): string =>
  join(directory, `${name}.clinic-${tool}`);

/** Does nothing when the locked version is there already. @throws when npm fails. */
export function ensureInstalled(say: (line: string) => void): void {
  const lock = readFileSync(join(SOURCE, 'package-lock.json'), 'utf8');
  const copy = join(INSTALLED, 'package-lock.json');
  // npm writes this file last.
  const isWhole = existsSync(join(INSTALLED, 'node_modules', '.package-lock.json'));
  if (isWhole && readFileSync(copy, 'utf8') === lock) return;
  say('installing the clinic tools into .clinic/tools, once');
  mkdirSync(INSTALLED, { recursive: true });
  copyFileSync(join(SOURCE, 'package.json'), join(INSTALLED, 'package.json'));
  copyFileSync(join(SOURCE, 'package-lock.json'), copy);
  // None of the packages needs its install script.
  const words = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  const npm = spawnSync('npm', words, { cwd: INSTALLED, stdio: ['ignore', 2, 2] });
  if (npm.status !== 0) throw new Error('npm could not install the clinic tools');
}

/** Runs `command` under a tool; the report is drawn when it has ended. */
export function collectCommand(report: Report, command: readonly string[]): readonly string[] {
  const { tool, directory, name } = report;
  const options = ['--open=false', '--dest', directory, '--name', name];
  return [process.execPath, PROGRAM, tool, ...options, '--', ...command];
}

/** Draws what something else collected into `dataPath(report)`. */
export function drawCommand(report: Report): readonly string[] {
  return [
    process.execPath,
    PROGRAM,
    report.tool,
    '--open=false',
    '--visualize-only',
    dataPath(report),
  ];
}

/** The page of a report. @throws when there is none, with what the tool said. */
export function pageOf(report: Report, said: string): string {
  const page = `${dataPath(report)}.html`;
  if (!existsSync(page)) {
    throw new Error(`clinic ${report.tool} made no report in ${dirname(page)}:\n${said}`);
  }
  return page;
}
