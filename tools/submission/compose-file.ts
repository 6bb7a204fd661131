// A compose file as far as the contest's rules care: read from YAML, with every value narrowed and nothing taken for granted.

import { parse } from 'yaml';

export interface Service {
  readonly name: string;
  readonly image: string;
  readonly platform: string;
  /** undefined where the file sets no limit; 0 is none to Docker. */
  readonly cpus: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly networks: readonly string[];
  /** Ports of the host that are published. */
  readonly ports: readonly PortRange[];
  /** Host paths that are mounted. */
  readonly binds: readonly string[];
  readonly environment: Readonly<Record<string, unknown>>;
  /** The whole of it, for what is forbidden. */
  readonly fields: Readonly<Record<string, unknown>>;
}

interface PortRange {
  readonly first: number;
  readonly last: number;
}

interface Network {
  readonly key: string;
  readonly name: string;
  readonly isExternal: boolean;
  readonly driver: string;
}

export interface ComposeFile {
  readonly services: readonly Service[];
  readonly networks: readonly Network[];
  /** Named volumes that are a path of the host in disguise. */
  readonly hostVolumes: readonly string[];
  /** The keys at its top. */
  readonly sections: readonly string[];
}

/** @throws YAMLParseError when it isn't YAML. */
export function readComposeFile(text: string): ComposeFile {
  const file = recordOf(parse(text, { merge: true }));
  const services = Object.entries(recordOf(file['services']));
  const networks = Object.entries(recordOf(file['networks']));
  return {
    services: services.map(([name, value]) => readService(name, recordOf(value))),
    networks: networks.map(([key, value]) => readNetwork(key, recordOf(value))),
    hostVolumes: Object.entries(recordOf(file['volumes']))
      .filter(([, value]) => isOfHost(recordOf(recordOf(value)['driver_opts'])))
      .map(([key]) => key),
    sections: Object.keys(file),
  };
}

/** The sockets that nginx shares the payments among: what the first instance takes for its peers. */
export function socketPathsOf({ services }: ComposeFile): string[] {
  const lists = services.map(({ environment }) => textOf(environment['PEER_SOCKET_PATHS']));
  return lists.find((list) => list !== '')?.split(',') ?? [];
}

function readService(name: string, fields: Readonly<Record<string, unknown>>): Service {
  const limits = recordOf(recordOf(recordOf(fields['deploy'])['resources'])['limits']);
  const networks = fields['networks'];
  return {
    name,
    image: textOf(fields['image']),
    platform: textOf(fields['platform']),
    // `||`: 0 is no limit.
    cpus: cpusOf(textOf(limits['cpus'])) || undefined,
    memoryBytes: bytesOf(textOf(limits['memory'])) || undefined,
    networks: Array.isArray(networks) ? networks.map(textOf) : Object.keys(recordOf(networks)),
    ports: listOf(fields['ports']).map(portOf),
    binds: listOf(fields['volumes'])
      .map(mountOf)
      .filter((path) => /^[./~$]/.test(path)),
    environment: recordOf(fields['environment']),
    fields,
  };
}

function readNetwork(key: string, fields: Readonly<Record<string, unknown>>): Network {
  return {
    key,
    name: textOf(fields['name']) || key,
    isExternal: fields['external'] === true,
    driver: textOf(fields['driver']) || 'bridge',
  };
}

/** Of "127.0.0.1:8080-8081:80-81/tcp" and {published: 8080} what is taken of the host; what has no number there gets any. */
function portOf(port: unknown): PortRange {
  const published =
    typeof port === 'object'
      ? textOf(recordOf(port)['published'])
      : (textOf(port).split(':').at(-2) ?? '');
  const [first = '', last = first] = published.split('-');
  return { first: Number(first), last: Number(last) };
}

/** What is mounted: of "source:target" and {source, target} the source. */
function mountOf(mount: unknown): string {
  if (typeof mount !== 'object') return textOf(mount).split(':')[0] ?? '';
  const { type, source } = recordOf(mount);
  const path = textOf(source);
  return type === 'bind' && !/^[./~$]/.test(path) ? `./${path}` : path;
}

/** A volume of type tmpfs is memory, whatever it names as its device. */
const isOfHost = ({ type, device }: Readonly<Record<string, unknown>>): boolean =>
  textOf(device) !== '' && type !== 'tmpfs';

function cpusOf(text: string): number | undefined {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
}

const UNITS: Readonly<Record<string, number>> = { '': 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** As compose reads it: MB is 1024 × 1024 bytes. */
export function bytesOf(text: string): number | undefined {
  const [, count, unit = ''] = /^(\d+(?:\.\d+)?)(b|[kmg]?)b?$/i.exec(text) ?? [];
  if (count === undefined) return undefined;
  return Number(count) * (UNITS[unit.toLowerCase()] ?? 1);
}

const recordOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const textOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : '';
