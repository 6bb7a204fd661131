// Our compose file, as the submission needs it. Its shape is trusted: it is our own file.

import { parse } from 'yaml';

export interface Service {
  readonly image?: string;
  readonly platform?: string;
  readonly cap_add?: readonly string[];
  readonly deploy?: { readonly resources?: { readonly limits?: Limits } };
  readonly networks?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly unknown[];
  readonly environment?: Readonly<Record<string, string>>;
}

interface Limits {
  readonly cpus?: string | number;
  readonly memory?: string | number;
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, Network | null>>;
  readonly volumes: Readonly<Record<string, Volume | null>>;
}

interface Network {
  readonly name?: string;
  readonly external?: boolean;
  readonly driver?: string;
}

interface Volume {
  readonly driver_opts?: { readonly type?: string };
}

/** @throws YAMLParseError when it isn't YAML. */
export const readComposeFile = (text: string): ComposeFile =>
  parse(text, { merge: true }) as ComposeFile;

/** The sockets among which nginx distributes the payments: the peers of the first instance. */
export function socketPathsOf({ services }: ComposeFile): string[] {
  const lists = Object.values(services).map(
    ({ environment }) => environment?.['PEER_SOCKET_PATHS'],
  );
  return lists.find((list) => list !== undefined)?.split(',') ?? [];
}

/** Each image once. */
export const imagesOf = ({ services }: ComposeFile): string[] => [
  ...new Set(Object.values(services).map(({ image = '' }) => image)),
];

const UNITS: Readonly<Record<string, number>> = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** As Compose reads it: MB is 1024 × 1024 bytes. NaN when it isn't a size. */
export function bytesOf(size: string | number): number {
  const [, count, unit = ''] = /^(\d+(?:\.\d+)?)([kmg]?)b?$/i.exec(String(size)) ?? [];
  return Number(count) * (UNITS[unit.toLowerCase()] ?? 1);
}
