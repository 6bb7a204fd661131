// What a run's figures depend on beside the program: commit, machine, versions, settings.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Setting } from '../../src/config/setting-kinds.ts';
import { SETTING_GROUPS } from '../../src/config/settings.ts';
import { environmentOf } from '../system/processes.ts';

const CHECKOUT = fileURLToPath(new URL('../../..', import.meta.url));

export interface Surroundings {
  /** Of the checkout in which the command runs; "unknown" without git. */
  readonly commit: string;
  /** Whether a file differs from the commit. */
  readonly isDirty: boolean;
  readonly node: string;
  readonly k6: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly system: string;
  /** Of the minute before the run: above 0 others were at work. */
  readonly loadAverage: number;
  /** Of an instance, where they differ from the defaults; null when they can't be read. */
  readonly settings: Readonly<Record<string, string>> | null;
}

/** `instance` is a process of an instance, if one was found. */
export function surroundingsOf(k6: string, instance: number | undefined): Surroundings {
  // Of a benchmark's figures nothing depends on.
  const status = git('status', '--porcelain', '--', '.', ':!bench/contest/history.jsonl');
  return {
    commit: git('rev-parse', '--short', 'HEAD') ?? 'unknown',
    isDirty: status !== undefined && status !== '',
    node: process.version,
    k6,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    kernel: release(),
    system: systemName(),
    loadAverage: loadavg()[0] ?? 0,
    settings: instance === undefined ? null : settingsThatDiffer(environmentOf(instance)),
  };
}

function git(...words: readonly string[]): string | undefined {
  try {
    const options = {
      cwd: CHECKOUT,
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 10_000,
    } as const;
    return execFileSync('git', words, { ...options, stdio: [...options.stdio] })
      .toString()
      .trim();
  } catch {
    // No git, or no repository.
    return undefined;
  }
}

function systemName(): string {
  try {
    const text = readFileSync('/etc/os-release', 'utf8');
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(text)?.[1] ?? process.platform;
  } catch {
    return process.platform;
  }
}

/** Addresses and paths are left out: they may hold a password, and change no figure. */
export function settingsThatDiffer(
  environment: ReadonlyMap<string, string>,
): Readonly<Record<string, string>> {
  const { where: _, ...groups } = SETTING_GROUPS;
  const settings = Object.values(groups).flatMap((group) => Object.entries<Setting>(group));
  const differing = settings.flatMap(([name, setting]) => {
    const value = environment.get(name) ?? '';
    return value === '' || value === presetOf(setting) ? [] : [[name, value] as const];
  });
  return Object.fromEntries(differing);
}

function presetOf(setting: Setting): string | undefined {
  if ('preset' in setting) return String(setting.preset);
  return 'words' in setting ? setting.words[0] : undefined;
}
