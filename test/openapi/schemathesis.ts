// schemathesis makes requests from an OpenAPI description, right ones and wrong ones, and looks
// whether each answer is as the description says. It is a Python program: it gets a virtual
// environment of its own in node_modules, which has 94 MB.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { AGAIN, SEED } from '../buffer/seed.ts';

const run = promisify(execFile);

const VERSION = '4.32.5';
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const HOOKS = join(ROOT, 'test/openapi/hooks.py');
const PLACE = join(ROOT, `node_modules/.schemathesis-${VERSION}`);
const PYTHON = join(PLACE, 'bin/python');
const INSTALL_MS_MAX = 300_000;
/** 413 too: what is wrong may also be too long. */
const CONFIGURATION = `
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 409, 413, 415]
`;
/** Requests per operation and phase. */
const EXAMPLES = 25;

/** Installs it if need be. Returns why it can't be had; undefined if it is there. */
export async function schemathesisFault(): Promise<string | undefined> {
  if (existsSync(PLACE)) return undefined;
  const own = `${PLACE}-${process.pid}`;
  const limits = { timeout: INSTALL_MS_MAX };
  try {
    await run('python3', ['-m', 'venv', own], limits);
    const pip = ['-m', 'pip', '--disable-pip-version-check', '--quiet'];
    const wanted = `schemathesis==${VERSION}`;
    await run(join(own, 'bin/python'), [...pip, 'install', wanted], limits);
    // Whole or not at all. Only its python is used: the other scripts name the place where it was.
    renameSync(own, PLACE);
    return undefined;
  } catch (error) {
    rmSync(own, { recursive: true, force: true });
    // Another run may have been quicker.
    if (existsSync(PLACE)) return undefined;
    const { message } = error as Error;
    return `schemathesis ${VERSION} (python3 with venv and pip): ${message.split('\n')[0]}`;
  }
}

export interface Check {
  /** The description's path from the root of the project. */
  readonly description: string;
  /** Where the server is: http://… */
  readonly url: string;
  readonly token?: string;
  /** For every parameter `correlationId`; without it random ones. */
  readonly correlationId?: string;
  /** More arguments, to choose operations. */
  readonly only?: readonly string[];
}

/** @throws AssertionError with its report when an answer isn't as described */
export async function conforms(check: Check, directory: string): Promise<void> {
  const { description, url, token, correlationId, only = [] } = check;
  const configuration = join(directory, 'schemathesis.toml');
  const lines = correlationId ? `[parameters]\ncorrelationId = "${correlationId}"\n` : '';
  await writeFile(configuration, lines + CONFIGURATION);
  const program = ['-m', 'schemathesis.cli', '--config-file', configuration, 'run'];
  const what = [join(ROOT, description), '--url', url, ...only];
  const how = ['--seed', String(SEED), '-n', String(EXAMPLES), '--no-color', '--warnings', 'off'];
  const access = token ? ['--header', `Authorization: Bearer ${token}`] : [];
  const environment = {
    SCHEMATHESIS_HOOKS: 'hooks',
    PYTHONPATH: dirname(HOOKS),
    PYTHONDONTWRITEBYTECODE: '1',
  };
  try {
    await run(PYTHON, [...program, ...what, ...how, ...access], {
      cwd: directory,
      env: { ...process.env, ...environment },
      maxBuffer: 16 * 1024 * 1024,
    });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    assert.fail(`${description} is not what the server does ${AGAIN}\n${stdout}${stderr}`);
  }
}
