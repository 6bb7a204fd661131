// The contest's rules for a compose file. Each broken rule is one line of plain words; no line, no objection.

import { readComposeFile, type ComposeFile, type Service } from './compose-file.ts';
import { WHOLE_VERSION } from './images.ts';

const CPUS_MAX = 1.5;
const MEMORY_MAX_MB = 350;
const MEGABYTE = 2 ** 20;
const NETWORK = 'payment-processor';
const PORT = 9999;
const INSTANCES_MIN = 2;

const SECTIONS = ['services', 'networks', 'volumes', 'name'];
/** What a service may have of its own and not of the host. */
const NAMESPACES = ['pid', 'ipc', 'uts', 'cgroup', 'userns_mode'] as const;
/** Any network but a bridge, the host's devices, and content that the folder doesn't have. */
const UNWANTED = [
  'network_mode',
  'devices',
  'device_cgroup_rules',
  'gpus',
  'extends',
  'env_file',
] as const;

/** `paths` are the files beside it: what is mounted from the host must be among them. */
export function checkCompose(text: string, paths: readonly string[]): string[] {
  let file: ComposeFile;
  try {
    file = readComposeFile(text);
  } catch (error) {
    return [`docker-compose.yml is not YAML: ${(error as Error).message.split('\n')[0]}`];
  }
  return [
    ...checkSections(file),
    ...checkLimits(file.services),
    ...file.services.flatMap((service) => [
      ...checkModes(service),
      ...checkImage(service),
      ...checkBinds(service, paths),
    ]),
    ...checkNetworks(file),
    ...checkFront(file.services),
  ];
}

/** `include` and the like bring in what the folder doesn't have. */
function checkSections({ sections, hostVolumes }: ComposeFile): string[] {
  const unknown = sections.filter((key) => !SECTIONS.includes(key) && !key.startsWith('x-'));
  return [
    ...unknown.map((key) => `${key} does not belong in the file`),
    ...hostVolumes.map((key) => `volume ${key}: is a path of the host`),
  ];
}

function checkLimits(services: readonly Service[]): string[] {
  const faults: string[] = [];
  let [cpus, bytes] = [0, 0];
  for (const service of services) {
    if (service.cpus === undefined) faults.push(`${service.name}: has no limit of cpus`);
    if (service.memoryBytes === undefined) faults.push(`${service.name}: has no limit of memory`);
    cpus += service.cpus ?? 0;
    bytes += service.memoryBytes ?? 0;
  }
  // Sums of decimals: 0.45 + 0.45 + 0.3 + 0.3 is a hair more than 1.5.
  const cpuSum = Math.round(cpus * 1000) / 1000;
  if (cpuSum > CPUS_MAX) faults.push(`all services: ${cpuSum} CPUs, at most ${CPUS_MAX}`);
  const megabytes = bytes / MEGABYTE;
  if (megabytes > MEMORY_MAX_MB) {
    faults.push(`all services: ${megabytes} MB of memory, at most ${MEMORY_MAX_MB}`);
  }
  return faults;
}

function checkModes({ name, fields }: Service): string[] {
  const faults: string[] = [];
  const deploy = (fields['deploy'] ?? {}) as Readonly<Record<string, unknown>>;
  // Not only `true`: Compose reads words and texts as booleans too.
  if ((fields['privileged'] ?? false) !== false) faults.push(`${name}: is privileged`);
  for (const namespace of NAMESPACES) {
    if (fields[namespace] === 'host') faults.push(`${name}: ${namespace} is host`);
  }
  for (const key of UNWANTED) {
    if (fields[key] !== undefined) faults.push(`${name}: has ${key}`);
  }
  const rights = Array.isArray(fields['cap_add']) ? fields['cap_add'] : [];
  if (rights.some((right) => /^all$/i.test(String(right)))) faults.push(`${name}: has all rights`);
  if (fields['scale'] !== undefined || deploy['replicas'] !== undefined) {
    faults.push(`${name}: has replicas`);
  }
  if ((deploy['mode'] ?? 'replicated') !== 'replicated') {
    faults.push(`${name}: deploy.mode must be replicated`);
  }
  return faults;
}

function checkImage({ name, image, platform, fields }: Service): string[] {
  const faults: string[] = [];
  if (fields['build'] !== undefined) faults.push(`${name}: is built, must be a published image`);
  const [, path = '', tag = ''] = /^([^${}\s]+?)(?::([\w.-]+))?$/.exec(image) ?? [];
  if (path === '') faults.push(`${name}: "${image}" is no image name`);
  else if (tag === '' || tag === 'latest')
    faults.push(`${name}: ${image} needs a tag of a version`);
  // Only Docker's own images have no owner in their name.
  else if (!path.includes('/') && WHOLE_VERSION[path] === undefined) {
    faults.push(`${name}: ${image} is of nobody, needs a registry or an owner`);
  } else if (WHOLE_VERSION[path]?.test(tag) === false) {
    faults.push(`${name}: ${image} needs the whole version in its tag`);
  }
  if (platform !== 'linux/amd64') faults.push(`${name}: platform must be linux/amd64`);
  return faults;
}

function checkBinds({ name, binds }: Service, paths: readonly string[]): string[] {
  return binds
    .filter((path) => !paths.includes(path.replace(/^\.\//, '')))
    .map((path) => `${name}: mounts ${path}, which is not in the folder`);
}

function checkNetworks({ networks, services }: ComposeFile): string[] {
  const faults: string[] = [];
  const processors = networks.find(({ name }) => name === NETWORK);
  if (!processors?.isExternal) faults.push(`network ${NETWORK} must be there and external`);
  for (const { key, isExternal, driver } of networks) {
    if (!isExternal && driver !== 'bridge') faults.push(`network ${key}: must be a bridge`);
  }
  // Who speaks to the processors is an instance.
  const instances = services.filter(({ networks: own }) =>
    own.includes(processors?.key ?? NETWORK),
  );
  if (instances.length < INSTANCES_MIN) {
    faults.push(`${instances.length} API instances on ${NETWORK}, at least ${INSTANCES_MIN}`);
  }
  return faults;
}

function checkFront(services: readonly Service[]): string[] {
  const fronts = services.filter(({ ports }) =>
    ports.some(({ first, last }) => first <= PORT && PORT <= last),
  );
  return fronts.length === 1 ? [] : [`${fronts.length} services publish port ${PORT}, must be one`];
}
