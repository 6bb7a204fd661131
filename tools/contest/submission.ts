// `npm run submission`: writes the folder for the contest's pull request, checks it against the
// contest's rules, and asks the registries whether its images can be pulled by anybody. It also
// writes nginx's configurations for containers, in docker and deploy/kubernetes, from the template
// that every nginx of ours has.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endWithUsage, readCommandLine, type Command } from '../command-line.ts';
import {
  clusterFront,
  nginxConfiguration,
  POD_SOCKET,
  PRODUCTION_CLIENTS,
} from '../system/nginx.ts';
import { imagesOf, readComposeFile, socketPathsOf } from './submission/compose-file.ts';
import { readFolder, strangerIn, writeFolder } from './submission/folder-files.ts';
import { checkFolder, CONFIGURATION, makeFolder, type Folder } from './submission/folder.ts';
import { readImageName } from './submission/image-name.ts';
import { isAddress } from './submission/info.ts';
import { askForPull } from './submission/pull.ts';

const COMMAND = {
  name: 'submission',
  does:
    "Writes the folder for the contest's pull request, checks it against the rules, and asks the " +
    'registries whether anybody can pull its images for linux/amd64. It also writes the ' +
    'configurations of nginx in containers from the template.',
  takes: 'Takes a second; up to ten when a registry does not answer.',
  options: {
    repository: {
      about: 'owner/name of the source at GitHub',
      preset: process.env['GITHUB_REPOSITORY'] ?? '',
    },
    image: {
      about: 'the published image',
      otherwise: 'ghcr.io/owner/name:VERSION with the version of package.json',
    },
    test: {
      about: 'the test whose fees the instances count with',
      oneOf: ['preview', 'final'],
      preset: 'preview',
    },
    name: { about: 'who takes part', otherwise: 'the owner of the repository' },
    social: {
      about: 'addresses of profiles, with commas',
      otherwise: "the owner's profile at GitHub",
    },
    output: {
      about: 'the folder; one with other files in it is left as it is',
      preset: join('reports', 'submission'),
    },
    offline: { about: 'asks no registry', preset: false },
  },
  environment: { GITHUB_REPOSITORY: 'owner/name, where --repository is not given' },
  ends: {
    0: 'every rule holds, and with --offline that is all; else the images can be pulled too',
    1: 'a rule does not hold',
    2: 'the folder could not be written',
    3: "every rule holds, but an image can't be pulled by anybody, or a registry didn't say",
  },
} as const satisfies Command;

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** For each image, over all requests. */
const REGISTRY_TIMEOUT_MS = 10_000;

const read = (path: string): Promise<string> => readFile(join(ROOT, path), 'utf8');

type Values = ReturnType<typeof readValues>;

function readValues() {
  const values = readCommandLine(COMMAND);
  const { repository, image, name, social } = values;
  if (!/^[\w.-]+\/[\w.-]+$/.test(repository)) {
    endWithUsage(COMMAND, `--repository is "${repository}", must be owner/name`);
  }
  if (image !== undefined && !readImageName(image)?.tag) {
    endWithUsage(COMMAND, `--image is "${image}", must be registry/path:tag in lower case`);
  }
  if (name?.trim() === '') endWithUsage(COMMAND, '--name is empty');
  const profiles = social?.split(',').map((profile) => profile.trim());
  for (const profile of profiles ?? []) {
    if (isAddress(profile)) continue;
    endWithUsage(COMMAND, `--social has "${profile}", must be https:// addresses with commas`);
  }
  return { ...values, profiles };
}

/** Also writes the configurations of nginx in containers. */
async function folderOf({ repository, image, test, name, profiles }: Values): Promise<Folder> {
  const { version } = JSON.parse(await read('package.json')) as { version: string };
  const compose = await read('docker-compose.yml');
  const socketPaths = socketPathsOf(readComposeFile(compose));
  const front = { listen: '9999', socketPaths };
  const production = { ...front, clients: PRODUCTION_CLIENTS };
  await writeFile(join(ROOT, 'docker/nginx.conf'), await nginxConfiguration(front));
  await writeFile(join(ROOT, 'docker/nginx.production.conf'), await nginxConfiguration(production));
  const cluster = await nginxConfiguration(clusterFront(socketPaths));
  await writeFile(join(ROOT, 'docker/nginx.cluster.conf.template'), cluster);
  const pod = await nginxConfiguration({ ...production, socketPaths: [POD_SOCKET] });
  await writeFile(join(ROOT, 'deploy/kubernetes/nginx.conf'), pod);
  const configuration = new Map<string, string>();
  for (const path of CONFIGURATION) configuration.set(path, await read(path));
  return makeFolder({
    compose,
    configuration,
    repository,
    // Registries want lower case.
    image: image ?? `ghcr.io/${repository.toLowerCase()}:${version}`,
    test,
    author: { name, social: profiles },
  });
}

/** Prints a line for each image. True when all of them can be pulled. */
async function sayPulls(folder: Folder): Promise<boolean> {
  const images = imagesOf(readComposeFile(folder.get('docker-compose.yml') ?? ''));
  const pulls = await Promise.all(images.map((image) => askForPull(image, REGISTRY_TIMEOUT_MS)));
  for (const [index, { verdict }] of pulls.entries()) console.log(`${images[index]}: ${verdict}`);
  return pulls.every(({ canBePulled }) => canBePulled);
}

async function main(): Promise<number> {
  const values = readValues();
  const { output, offline } = values;
  const stranger = await strangerIn(output);
  if (stranger !== undefined) {
    throw new Error(`${output} has ${stranger}, which is no part of a submission: nothing written`);
  }
  const written = await folderOf(values);
  await writeFolder(output, written);
  const folder = await readFolder(output);
  const faults = checkFolder(folder);
  for (const fault of faults) console.error(fault);
  const verdict = faults.length === 0 ? 'all rules hold' : `${faults.length} faults`;
  console.log(`${output}: ${written.size} files, ${verdict}`);
  const canBePulled = offline || (await sayPulls(folder));
  if (faults.length > 0) return 1;
  return canBePulled ? 0 : 3;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`submission: ${(error as Error).message}`);
  process.exitCode = 2;
}
