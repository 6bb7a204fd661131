// The clinic tools (npm package `clinic`): their installation, and the command lines that collect
// and draw. The first use installs them from tools/profile/clinic/package-lock.json into
// .clinic/tools, so that they are not among the project's own packages.

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROJECT, Sources, type HeapProfile, type Stack } from './sources.ts';

/** From dist/tools/profile. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const SOURCE = join(ROOT, 'tools', 'profile', 'clinic');
const INSTALLED = join(ROOT, '.clinic', 'tools');
const PROGRAM = join(INSTALLED, 'node_modules', 'clinic', 'bin.js');

/** Without these `clinic` asks whether it may report its use; without a terminal it then ends. */
export const CLINIC_ENVIRONMENT = { NO_INSIGHT: '1', NO_UPDATE_NOTIFIER: '1' };

/** What clinic flame takes for the directory of the program, and names it after. */
const SYSTEM = { mainDirectory: PROJECT };

type ClinicTool = 'doctor' | 'flame' | 'bubbleprof' | 'heapprofiler';

export interface Report {
  readonly tool: ClinicTool;
  readonly directory: string;
  readonly name: string;
}

/** What clinic collected; the page is the same with .html. */
export const dataPath = ({ tool, directory, name }: Report): string =>
  join(directory, `${name}.clinic-${tool}`);

/** Does nothing when the locked version is installed. @throws when npm fails. */
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

/** Whether a report is drawn apart from its collection: its frames are renamed in between. */
export const isDrawnLater = ({ tool }: Report): boolean =>
  tool === 'flame' || tool === 'heapprofiler';

/** Runs `command` under a tool; the report is drawn when it has ended, or later. */
export function collectCommand(report: Report, command: readonly string[]): readonly string[] {
  const { tool, directory, name } = report;
  const options = ['--open=false', '--dest', directory, '--name', name];
  if (isDrawnLater(report)) options.push('--collect-only');
  return [process.execPath, PROGRAM, tool, ...options, '--', ...command];
}

/**
 * Changes what was collected: its frames are those of the TypeScript sources, and the program is
 * named "repasse". Does nothing if nothing was collected; then there will be no page either.
 */
export function showSources(report: Report): void {
  const sources = new Sources(ROOT);
  const path = dataPath(report);
  if (report.tool === 'heapprofiler') {
    rewrite(path, (profile) => sources.renameHeap((profile as HeapProfile).head));
    return;
  }
  const file = (kind: string): string => join(path, `${report.name}.clinic-flame-${kind}`);
  rewrite(file('samples'), (stacks) => sources.renameStacks(stacks as readonly Stack[]));
  rewrite(file('systeminfo'), (system) => Object.assign(system as object, SYSTEM));
}

/** Changes the JSON in a file. */
function rewrite(path: string, change: (value: unknown) => void): void {
  if (!existsSync(path)) return;
  const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
  change(value);
  writeFileSync(path, JSON.stringify(value));
}

/** Draws what was collected into `dataPath(report)`. */
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
