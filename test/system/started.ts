// The system as `npm start` runs it, on ports of its own, and what is left of it afterwards.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { Client } from '../world/client.ts';
import { freePort } from '../world/free-port.ts';
import { Program } from '../world/program.ts';
import { waitUntil } from '../world/wait-until.ts';

const SCRIPT = new URL('../../tools/start.js', import.meta.url);
const START_WITHIN_MS = 90_000;
const programs: Program[] = [];

/** A process that starts the system (or fails to), ended by `killAll` at the latest. */
export function launch(environment: Readonly<Record<string, string>>): Program {
  const program = new Program(SCRIPT);
  programs.push(program);
  program.start(environment);
  return program;
}

/** For after the last test, should one have failed. */
export async function killAll(): Promise<void> {
  for (const program of programs) if (program.running) await program.kill();
}

export interface System {
  readonly program: Program;
  readonly client: Client;
  readonly url: string;
  readonly environment: Readonly<Record<string, string>>;
}

export async function settings(dataDirectory: string) {
  return {
    DATA_DIR: dataDirectory,
    PORT: String(await freePort()),
    ADMIN_PORT: String(await freePort()),
    SIMULATOR_DEFAULT_PORT: String(await freePort()),
    SIMULATOR_FALLBACK_PORT: String(await freePort()),
  };
}

export async function start(environment: Readonly<Record<string, string>>): Promise<System> {
  const program = launch(environment);
  const url = `http://127.0.0.1:${environment['PORT']}`;
  await waitUntil(
    'it is ready',
    () => {
      assert.ok(program.running, program.lastWords());
      return program.lines.length > 0;
    },
    { withinMs: START_WITHIN_MS },
  );
  return { program, url, environment, client: new Client(url) };
}

export const settled = (client: Client, payments: number): Promise<boolean> =>
  waitUntil(`the summary has ${payments}`, async () => {
    const { default: first, fallback } = await client.summary();
    return first.totalRequests + fallback.totalRequests === payments;
  });

/**
 * The processes of a system by their data directory: in the environment, which all parts inherit;
 * or, where a part writes its title over that, in the command (nginx) or as the working directory
 * (PostgreSQL).
 */
function partsOf(dataDirectory: string): Map<number, string> {
  const parts = new Map<number, string>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const read = (file: string): string => readFileSync(`/proc/${pid}/${file}`, 'latin1');
      const command = read('cmdline').replaceAll('\0', ' ').trim();
      const places = [read('environ'), command, readlinkSync(`/proc/${pid}/cwd`)];
      if (command !== '' && places.some((text) => text.includes(dataDirectory))) {
        parts.set(Number(pid), command);
      }
    } catch {
      // It ended while we looked.
    }
  }
  return parts;
}

export const pidOf = (dataDirectory: string, command: RegExp): number | undefined =>
  [...partsOf(dataDirectory)].find(([, line]) => command.test(line))?.[0];

export async function nothingIsLeft({ environment }: System): Promise<void> {
  const dataDirectory = environment['DATA_DIR'] as string;
  await waitUntil('every process is gone', () => partsOf(dataDirectory).size === 0);
  for (const name of ['PORT', 'ADMIN_PORT', 'SIMULATOR_DEFAULT_PORT', 'SIMULATOR_FALLBACK_PORT']) {
    await takePort(Number(environment[name]));
  }
}

/** Listens there and lets go: rejects when something else does. */
async function takePort(port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
}
