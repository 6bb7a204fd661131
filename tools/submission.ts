// Writes the folder that the contest's pull request wants, and checks it by the contest's rules. docker/nginx.conf is written anew
// before, out of the template that every nginx of ours is made from.

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readComposeFile, socketPathsOf } from './submission/compose-file.ts';
import { checkFolder, CONFIGURATION, makeFolder, type Folder } from './submission/folder.ts';
import { makeDirectory } from './system/make-directory.ts';
import { prepareNginx } from './system/nginx.ts';

const USAGE = `npm run submission -- --repository owner/name [options]
  --repository  at GitHub, where the source is ($GITHUB_REPOSITORY)
  --image       the published image (ghcr.io/owner/name:VERSION, with package.json's version)
  --output      the folder; what else lies in it is a fault (reports/submission)
Ends with 0 when the contest's rules hold, and with 1 otherwise.`;

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const { values } = parseArgs({
  options: {
    repository: { type: 'string', default: process.env['GITHUB_REPOSITORY'] ?? '' },
    image: { type: 'string' },
    output: { type: 'string', default: join('reports', 'submission') },
    help: { type: 'boolean', default: false },
  },
});

const read = (path: string): Promise<string> => readFile(join(ROOT, path), 'utf8');

/** As it is on the disk, with everything in it. */
async function readFolder(directory: string): Promise<Folder> {
  const folder = new Map<string, string>();
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const path = join(entry.parentPath, entry.name);
    folder.set(relative(directory, path), await readFile(path, 'utf8'));
  }
  return folder;
}

async function main(): Promise<number> {
  const { repository, output } = values;
  if (values.help || !/^[\w.-]+\/[\w.-]+$/.test(repository)) {
    console.log(USAGE);
    return values.help ? 0 : 1;
  }
  const { version } = JSON.parse(await read('package.json')) as { version: string };
  const compose = await read('docker-compose.yml');
  const socketPaths = socketPathsOf(readComposeFile(compose));
  await prepareNginx(join(ROOT, 'docker'), { listen: '9999', socketPaths });
  const configuration = new Map<string, string>();
  for (const path of CONFIGURATION) configuration.set(path, await read(path));
  const folder = makeFolder({
    compose,
    configuration,
    repository,
    // Registries want lower case.
    image: values.image ?? `ghcr.io/${repository.toLowerCase()}:${version}`,
  });
  for (const [path, text] of folder) {
    await makeDirectory(dirname(join(output, path)));
    await writeFile(join(output, path), text);
  }
  const faults = checkFolder(await readFolder(output));
  for (const fault of faults) console.error(fault);
  console.log(
    `${output}: ${folder.size} files, ${faults.length === 0 ? 'all rules hold' : `${faults.length} faults`}`,
  );
  return faults.length === 0 ? 0 : 1;
}

process.exitCode = await main();
