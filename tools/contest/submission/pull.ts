// Whether anybody can pull an image for linux/amd64, as its registry says it. Pulls nothing.

import { field, parseJson } from '../../audit/json-field.ts';
import { readImageName, type ImageName } from './image-name.ts';
import { AccountWanted, RegistryClient, RegistryError, unusable } from './registry-client.ts';

export interface Pull {
  readonly canBePulled: boolean;
  /** What was found, in words. */
  readonly verdict: string;
}

const [OS, ARCHITECTURE] = ['linux', 'amd64'];
const TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');
const DIGEST = /^[a-z\d]+:[a-f\d]{32,}$/;

/** Resolves within `timeoutMs`, whatever the registry does. */
export async function askForPull(image: string, timeoutMs: number): Promise<Pull> {
  const name = readImageName(image);
  if (name === undefined) return { canBePulled: false, verdict: 'is no name of an image' };
  try {
    return await verdictOf(name, new RegistryClient(name, AbortSignal.timeout(timeoutMs)));
  } catch (error) {
    return { canBePulled: false, verdict: verdictAfter(error as Error, name, timeoutMs) };
  }
}

async function verdictOf(name: ImageName, registry: RegistryClient): Promise<Pull> {
  const path = `manifests/${name.tag || 'latest'}`;
  const { status, ...rest } = await registry.ask('HEAD', path, TYPES);
  if ([401, 403, 404].includes(status)) {
    return { canBePulled: false, verdict: absent(name, String(status)) };
  }
  if (status !== 200) throw unusable({ status, ...rest }, 'to the request for the manifest');
  const platforms = await platformsAt(registry, path);
  if (platforms.includes(`${OS}/${ARCHITECTURE}`)) {
    return { canBePulled: true, verdict: `can be pulled by anybody, for ${OS}/${ARCHITECTURE}` };
  }
  const others = platforms.join(', ') || 'no platform';
  return {
    canBePulled: false,
    verdict: `is there, and not for ${OS}/${ARCHITECTURE}: ${name.host} has ${others}`,
  };
}

const absent = ({ host }: ImageName, answer: string): string =>
  `not found or private: ${host} answered ${answer}`;

function verdictAfter(error: Error, name: ImageName, timeoutMs: number): string {
  if (error instanceof AccountWanted) return absent(name, error.message);
  if (error instanceof RegistryError) {
    return `not known: the registry ${name.host} answered ${error.message}`;
  }
  const { code, message } = (error.cause ?? error) as NodeJS.ErrnoException;
  const silent = `no answer within ${timeoutMs / 1_000} s`;
  const why = error.name === 'TimeoutError' ? silent : (code ?? message);
  return `not known: the registry ${name.host} can't be reached (${why})`;
}

/** "linux/amd64" for each platform of the image. */
async function platformsAt(registry: RegistryClient, path: string): Promise<string[]> {
  const manifest = await jsonAt(registry, path, TYPES);
  const list = field(manifest, 'manifests');
  // What signs or describes an image has the platform unknown/unknown.
  if (Array.isArray(list)) {
    const all = list.map((entry: unknown) => platformIn(field(entry, 'platform')));
    return [...new Set(all)].filter((platform) => platform !== 'unknown/unknown');
  }
  const digest = field(field(manifest, 'config'), 'digest');
  if (typeof digest !== 'string' || !DIGEST.test(digest)) {
    throw new RegistryError('200 with a text that is no manifest');
  }
  return [platformIn(await jsonAt(registry, `blobs/${digest}`, '*/*'))];
}

function platformIn(value: unknown): string {
  const [os, architecture] = [field(value, 'os'), field(value, 'architecture')];
  return typeof os === 'string' && typeof architecture === 'string'
    ? `${os}/${architecture}`
    : 'unknown/unknown';
}

async function jsonAt(registry: RegistryClient, path: string, accept: string): Promise<unknown> {
  const answer = await registry.ask('GET', path, accept);
  const what = path.startsWith('blobs/') ? 'configuration' : 'manifest';
  if (answer.status !== 200) throw unusable(answer, `to the request for the ${what}`);
  const json = parseJson(answer.body);
  if (json === undefined) throw new RegistryError(`200 with a ${what} that is not JSON`);
  return json;
}
