// The real submission's compose file with one thing wrong in it, and a test for each such thing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { checkFolder } from '../../tools/contest/submission/folder.ts';
import { submitted } from './submitted.ts';

interface Breakable {
  [section: string]: unknown;
  services: Record<string, Record<string, unknown>>;
  networks: Record<string, Record<string, unknown> | null>;
  volumes: Record<string, Record<string, unknown> | null>;
}

interface Limits {
  cpus?: string | number;
  memory?: string | number;
}

type Spoil = (file: Breakable) => void;

/** What is broken, how, and what must be found: that and nothing else. */
export type Case = readonly [rule: string, spoil: Spoil, faults: readonly string[]];

export function testCases(cases: readonly Case[]): void {
  for (const [rule, spoil, faults] of cases) {
    test(`compose file: ${rule}`, async () => {
      assert.deepEqual(await faultsAfter(spoil), faults);
    });
  }
}

async function faultsAfter(spoil: Spoil): Promise<string[]> {
  const folder = new Map(await submitted());
  // Without aliases: what one service gets must not reach the others.
  const text = folder.get('docker-compose.yml') ?? '';
  const file = structuredClone(
    JSON.parse(JSON.stringify(parse(text, { merge: true }))),
  ) as Breakable;
  spoil(file);
  folder.set('docker-compose.yml', stringify(file));
  return checkFolder(folder);
}

export function serviceOf(file: Breakable, name: string): Record<string, unknown> {
  const found = file.services[name];
  assert.ok(found);
  return found;
}

const deployOf = (file: Breakable, name: string): Record<string, unknown> =>
  serviceOf(file, name)['deploy'] as Record<string, unknown>;

export const limitsOf = (file: Breakable, name: string): Limits =>
  (deployOf(file, name)['resources'] as { limits: Limits }).limits;

export const set =
  (name: string, key: string, value: unknown): Spoil =>
  (file) => {
    serviceOf(file, name)[key] = value;
  };

export const setDeploy =
  (name: string, key: string, value: unknown): Spoil =>
  (file) => {
    deployOf(file, name)[key] = value;
  };

export const setLimit =
  (name: string, limits: Limits): Spoil =>
  (file) => {
    Object.assign(limitsOf(file, name), limits);
  };
