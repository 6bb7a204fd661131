// The folder for the contest's pull request, as a map of path to text, and its check.

import { checkCompose } from './check-compose.ts';
import { EXACT_IMAGES } from '../../compose/images.ts';
import { feeVariables } from '../fees.ts';
import { TESTS } from '../plan.ts';
import { checkInfo, infoOf, type Author } from './info.ts';
import { readmeOf } from './readme.ts';

/** Path in the folder to text. */
export type Folder = ReadonlyMap<string, string>;

/** Copied as they are. */
export const CONFIGURATION = ['docker/nginx.conf', 'docker/postgresql.conf'] as const;

export const EXPECTED: readonly string[] = [
  'docker-compose.yml',
  'info.json',
  'README.md',
  ...CONFIGURATION,
];

/** What the contest writes into the folder. */
export const CONTEST_LOGS: readonly string[] = ['docker-compose', 'k6', 'error'].flatMap((name) => [
  `${name}.logs`,
  `${name}-final.logs`,
]);
/** It also marks what it has tested by these: a folder that has one is passed over. */
export const CONTEST_RESULTS: readonly string[] = ['partial-results.json', 'final-results.json'];

export interface Sources {
  /** Of docker-compose.yml. */
  readonly compose: string;
  /** By path. */
  readonly configuration: ReadonlyMap<string, string>;
  /** owner/name at GitHub. */
  readonly repository: string;
  /** The published image with its tag. */
  readonly image: string;
  /** Whose fees the instances count with. */
  readonly test: keyof typeof TESTS;
  readonly author?: Author;
}

export function makeFolder(sources: Sources): Folder {
  const { compose, configuration, repository, image, test, author } = sources;
  const values = {
    ...EXACT_IMAGES,
    ...feeVariables(TESTS[test].feeBps),
    REPASSE_IMAGE: image,
  };
  return new Map([
    ['docker-compose.yml', fillVariables(compose, values)],
    ['info.json', `${JSON.stringify(infoOf(repository, author), null, 2)}\n`],
    ['README.md', readmeOf(repository)],
    ...configuration,
  ]);
}

/** ${NAME:-default} becomes the value, or the default: the contest sets no variable. */
export function fillVariables(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(
    /\$\{(\w+):-([^}]*)\}/g,
    (_, name: string, fallback: string) => values[name] ?? fallback,
  );
}

function checkPath(path: string): string[] {
  if (EXPECTED.includes(path) || CONTEST_LOGS.includes(path)) return [];
  return CONTEST_RESULTS.includes(path)
    ? [`${path} must be deleted: the contest tests a folder without it only`]
    : [`${path} does not belong`];
}

/** What the contest would object to, a line each. */
export function checkFolder(folder: Folder): string[] {
  const paths = [...folder.keys()];
  return [
    ...EXPECTED.filter((path) => !folder.get(path)?.trim()).map((path) => `${path} is missing`),
    ...paths.flatMap(checkPath),
    ...checkCompose(folder.get('docker-compose.yml') ?? '', paths),
    ...checkInfo(folder.get('info.json') ?? ''),
  ];
}
