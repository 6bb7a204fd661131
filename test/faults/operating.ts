// The operator's command, with the settings of an instance.

import { basename, dirname } from 'node:path';
import { Program } from '../world/program.ts';
import type { Instance } from '../world/instances.ts';
import type { World } from '../world/world.ts';

const OPERATE = new URL('../../src/operate.js', import.meta.url);

export interface Operated {
  readonly code: number | NodeJS.Signals;
  readonly words: string;
}

export async function operate(
  world: World,
  instance: Instance,
  ...words: readonly string[]
): Promise<Operated> {
  const command = new Program(OPERATE, words);
  command.start({
    DATABASE_URL: world.databaseUrl,
    JOURNAL_PATH: instance.journalPath,
    SOCKET_PATH: instance.socketPath,
    PEER_SOCKET_PATHS: world.instances.map(({ socketPath }) => socketPath).join(','),
  });
  const code = await command.ended();
  return { code, words: command.lastWords() };
}

const other = (path: string): string => `${dirname(path)}/other-${basename(path)}`;

/**
 * The settings of an instance elsewhere, on another machine say, that takes itself for this one.
 */
export function elsewhere(world: World, instance: Instance): Readonly<Record<string, string>> {
  return {
    SOCKET_PATH: other(instance.socketPath),
    PEER_SOCKET_PATHS: world.instances.map(({ socketPath }) => other(socketPath)).join(','),
    JOURNAL_PATH: other(instance.journalPath),
    DATABASE_URL: world.databaseUrl,
    PROCESSOR_DEFAULT_URL: world.default.url,
    PROCESSOR_FALLBACK_URL: world.fallback.url,
    RING_SLOTS: '5000',
  };
}
