// The folder that the contest's pull request wants, as a map of path to text, and the check of the whole of it.

import { checkCompose } from './check-compose.ts';
import { EXACT_IMAGES } from './images.ts';
import { checkInfo, infoOf } from './info.ts';
import { readmeOf } from './readme.ts';

/** Path in the folder to text. */
export type Folder = ReadonlyMap<string, string>;

/** Copied as they are. */
export const CONFIGURATION = ['docker/nginx.conf', 'docker/postgresql.conf'] as const;

const EXPECTED: readonly string[] = [
  'docker-compose.yml',
  'info.json',
  'README.md',
  ...CONFIGURATION,
];

export interface Sources {
  /** Of docker-compose.yml. */
  readonly compose: string;
  /** By path. */
  readonly configuration: ReadonlyMap<string, string>;
  /** owner/name at GitHub. */
  readonly repository: string;
  /** The published image with its tag. */
  readonly image: string;
}

export function makeFolder({ compose, configuration, repository, image }: Sources): Folder {
  return new Map([
    ['docker-compose.yml', fillVariables(compose, { ...EXACT_IMAGES, REPASSE_IMAGE: image })],
    ['info.json', `${JSON.stringify(infoOf(repository), null, 2)}\n`],
    ['README.md', readmeOf(repository)],
    ...configuration,
  ]);
}

/** ${NAME:-default} becomes the value, or the default: who runs the submission sets nothing. */
export function fillVariables(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(
    /\$\{(\w+):-([^}]*)\}/g,
    (_, name: string, fallback: string) => values[name] ?? fallback,
  );
}

/** What the contest would object to, a line each. */
export function checkFolder(folder: Folder): string[] {
  const paths = [...folder.keys()];
  return [
    ...EXPECTED.filter((path) => !folder.get(path)?.trim()).map((path) => `${path} is missing`),
    ...paths.filter((path) => !EXPECTED.includes(path)).map((path) => `${path} does not belong`),
    ...checkCompose(folder.get('docker-compose.yml') ?? '', paths),
    ...checkInfo(folder.get('info.json') ?? ''),
  ];
}
