// The contest's rules for a compose file. Each broken rule is one line of plain words; no line, no objection.

import { readComposeFile, type ComposeFile, type Service } from './compose-file.ts';

const CPUS_MAX = 1.5;
const MEMORY_MAX_MB = 350;
const MEGABYTE = 2 ** 20;
const NETWORK = 'payment-processor';
const PORT = '9999';
const INSTANCES_MIN = 2;
/** Images that have no owner in their name, because they are Docker's own. */
const OFFICIAL = ['nginx', 'postgres'];

/** `paths` are the files beside it: what is mounted from the host must be among them. */
export function checkCompose(text: string, paths: readonly string[]): string[] {
  let file: ComposeFile;
  try {
    file = readComposeFile(text);
  } catch (error) {
    return [`docker-compose.yml is not YAML: ${(error as Error).message.split('\n')[0]}`];
  }
  return [
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
  const deploy = fields['deploy'] as Readonly<Record<string, unknown>> | undefined;
  if (fields['privileged'] === true) faults.push(`${name}: is privileged`);
  for (const mode of ['network_mode', 'pid', 'ipc'] as const) {
    if (fields[mode] === 'host') faults.push(`${name}: ${mode} is host`);
  }
  if (fields['scale'] !== undefined || deploy?.['replicas'] !== undefined) {
    faults.push(`${name}: has replicas`);
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
  else if (!path.includes('/') && !OFFICIAL.includes(path)) {
    faults.push(`${name}: ${image} is of nobody, needs a registry or an owner`);
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
  const fronts = services.filter(({ ports }) => ports.some((port) => port.startsWith(`${PORT}:`)));
  return fronts.length === 1 ? [] : [`${fronts.length} services publish port ${PORT}, must be one`];
}
