// The services of compose files: their limits and their environment.

import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { field } from '../../tools/audit/json-field.ts';
import type { Limits } from '../../tools/compose/project.ts';

export interface Service {
  readonly limits: Limits;
  readonly environment: Readonly<Record<string, string>>;
}

/** As Docker reads them: 1 MB is 2^20 bytes. */
const BYTES: Readonly<Record<string, number>> = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** Later files change what earlier ones say. Variables get their defaults. */
export function servicesOf(texts: readonly string[]): ReadonlyMap<string, Service> {
  const services = new Map<string, Service>();
  for (const text of texts) {
    const file: unknown = parse(withDefaults(text), { merge: true });
    for (const [name, service] of Object.entries(field(file, 'services') ?? {})) {
      const before = services.get(name);
      const limits = field(field(field(service, 'deploy'), 'resources'), 'limits');
      const [cpus, memory] = [field(limits, 'cpus'), field(limits, 'memory')];
      const environment = Object.entries(field(service, 'environment') ?? {});
      services.set(name, {
        limits: {
          cpus: cpus === undefined ? (before?.limits.cpus ?? 0) : Number(cpus),
          memoryBytes: memory === undefined ? (before?.limits.memoryBytes ?? 0) : bytesOf(memory),
        },
        environment: {
          ...before?.environment,
          ...Object.fromEntries(environment.map(([key, value]) => [key, String(value)])),
        },
      });
    }
  }
  return services;
}

export const readServices = (paths: readonly string[]): ReadonlyMap<string, Service> =>
  servicesOf(paths.map((path) => readFileSync(path, 'utf8')));

/** `${NAME:-default}` */
const withDefaults = (text: string): string =>
  text.replace(/\$\{\w+(?::?-([^}]*))?\}/g, (_, preset: string | undefined) => preset ?? '');

function bytesOf(value: unknown): number {
  const text = typeof value === 'number' || typeof value === 'string' ? `${value}` : '';
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)([kmg]?)b?$/i.exec(text) ?? [];
  if (number === undefined) throw new Error(`"${text}" is no size of a memory limit`);
  return Number(number) * (BYTES[unit.toLowerCase()] ?? 1);
}
