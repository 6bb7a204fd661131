// The contest's rules for a compose file. Each broken rule is one line. A service may only have the
// keys of a list: so everything is refused that uses the host or runs a service more than once.

import { WHOLE_VERSION } from '../../compose/images.ts';
import { readImageName } from './image-name.ts';
import { bytesOf, readComposeFile, type ComposeFile, type Service } from './compose-file.ts';

export const CPUS_MAX = 1.5;
export const MEMORY_MAX_MB = 350;
export const NETWORK = 'payment-processor';
const PORT = '9999';
const INSTANCES_MIN = 2;
const SECTIONS = ['services', 'networks', 'volumes', 'name'];
const SERVICE_KEYS = (
  'image platform command user environment depends_on healthcheck restart networks ports volumes ' +
  'tmpfs read_only logging deploy ulimits cap_add cap_drop security_opt stop_signal ' +
  'stop_grace_period'
).split(' ');

/** `paths` are the files beside it: what is mounted from the host must be among them. */
export function checkCompose(text: string, paths: readonly string[]): string[] {
  let file: ComposeFile;
  try {
    file = readComposeFile(text);
  } catch (error) {
    return [`docker-compose.yml is not YAML: ${(error as Error).message.split('\n')[0]}`];
  }
  return [
    ...unlisted(file, SECTIONS, 'docker-compose.yml').filter((fault) => !fault.includes(': x-')),
    ...checkVolumes(file),
    ...checkLimits(file),
    ...Object.entries(file.services).flatMap(([name, service]) => [
      ...unlisted(service, SERVICE_KEYS, name),
      ...unlisted(service.deploy ?? {}, ['resources'], `${name}: deploy`),
      ...checkRights(name, service),
      ...checkImage(name, service),
      ...checkMounts(name, service, [...paths.map((path) => `./${path}`), ...namesOf(file)]),
    ]),
    ...checkNetworks(file),
    ...checkPorts(file),
  ];
}

const unlisted = (fields: object, known: readonly string[], where: string): string[] =>
  Object.keys(fields)
    .filter((key) => !known.includes(key))
    .map((key) => `${where}: ${key} is not allowed`);

const namesOf = ({ volumes }: ComposeFile): string[] => Object.keys(volumes);

/** A volume with options is a path of the host, unless it is memory. */
const checkVolumes = ({ volumes }: ComposeFile): string[] =>
  Object.entries(volumes)
    .filter(([, volume]) => (volume?.driver_opts?.type ?? 'tmpfs') !== 'tmpfs')
    .map(([name]) => `volume ${name}: must not be a path of the host`);

function checkLimits({ services }: ComposeFile): string[] {
  const faults: string[] = [];
  let [cpus, bytes] = [0, 0];
  for (const [name, { deploy }] of Object.entries(services)) {
    const limits = deploy?.resources?.limits ?? {};
    // 0 means no limit.
    if (!(Number(limits.cpus) > 0)) faults.push(`${name}: has no limit of cpus`);
    else cpus += Number(limits.cpus);
    if (!(bytesOf(limits.memory ?? 0) > 0)) faults.push(`${name}: has no limit of memory`);
    else bytes += bytesOf(limits.memory ?? 0);
  }
  // 0.45 + 0.45 + 0.3 + 0.3 is slightly more than 1.5.
  const cpuSum = Math.round(cpus * 1000) / 1000;
  if (cpuSum > CPUS_MAX) faults.push(`all services: ${cpuSum} CPUs, at most ${CPUS_MAX}`);
  const megabytes = bytes / 2 ** 20;
  if (megabytes > MEMORY_MAX_MB) {
    faults.push(`all services: ${megabytes} MB of memory, at most ${MEMORY_MAX_MB}`);
  }
  return faults;
}

const checkRights = (name: string, { cap_add = [] }: Service): string[] =>
  cap_add.some((right) => /^all$/i.test(right)) ? [`${name}: has all rights`] : [];

function checkImage(name: string, { image = '', platform }: Service): string[] {
  const faults: string[] = [];
  const [, path = '', tag = ''] = /^([^${}\s]+?)(?::([\w.-]+))?$/.exec(image) ?? [];
  if (path === '' || readImageName(image) === undefined)
    faults.push(`${name}: "${image}" is no image name`);
  else if (tag === '' || tag === 'latest')
    faults.push(`${name}: ${image} needs a tag of a version`);
  // Only Docker's own images have no owner in their name.
  else if (!path.includes('/') && WHOLE_VERSION[path] === undefined) {
    faults.push(`${name}: ${image} needs a registry or an owner`);
  } else if (WHOLE_VERSION[path]?.test(tag) === false) {
    faults.push(`${name}: ${image} needs the whole version in its tag`);
  }
  if (platform !== 'linux/amd64') faults.push(`${name}: platform must be linux/amd64`);
  return faults;
}

/** `sources` are the files of the folder and the volumes. Only "source:target" is understood. */
const checkMounts = (name: string, { volumes = [] }: Service, sources: readonly string[]) =>
  volumes
    .map((mount) => (typeof mount === 'string' ? mount.split(':')[0] : undefined) ?? 'a path')
    .filter((source) => !sources.includes(source))
    .map((source) => `${name}: mounts ${source}, which is not in the folder`);

function checkNetworks({ networks, services }: ComposeFile): string[] {
  const faults: string[] = [];
  if (networks[NETWORK]?.name !== NETWORK || networks[NETWORK].external !== true) {
    faults.push(`network ${NETWORK} must be there and external`);
  }
  for (const [name, network] of Object.entries(networks)) {
    const driver = network?.driver ?? 'bridge';
    if (driver !== 'bridge') faults.push(`network ${name}: must be a bridge`);
  }
  // A service that reaches the processors is an instance.
  const count = Object.values(services).filter((one) => one.networks?.includes(NETWORK)).length;
  if (count < INSTANCES_MIN) {
    faults.push(`${count} instances on ${NETWORK}, at least ${INSTANCES_MIN}`);
  }
  return faults;
}

function checkPorts({ services }: ComposeFile): string[] {
  const published = Object.values(services).flatMap(({ ports = [] }) => ports.map(String));
  return published.length === 1 && published[0]?.split(':')[0] === PORT
    ? []
    : [`published ports are [${published.join(', ')}], must be ${PORT} alone`];
}
