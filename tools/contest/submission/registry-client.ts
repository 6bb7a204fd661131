// GET and HEAD at a registry as anybody (the OCI distribution API): the token that a registry wants
// is asked for without an account. Every answer has a size and a deadline.

import { field, parseJson } from '../../audit/json-field.ts';
import type { ImageName } from './image-name.ts';

/** A registry takes no larger manifest. */
const BODY_BYTES_MAX = 4 * 2 ** 20;
/** Like Docker, which speaks plain HTTP to a registry of this machine alone. */
const LOOPBACK = /^(?:localhost|127\.[\d.]+)(?::\d+)?$/;
const PARAMETER = /(\w+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))/g;

export interface RegistryAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** The registry answered, and not with what its API says. The message says with what. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
}

/** The registry wants an account. */
export class AccountWanted extends Error {
  override readonly name = 'AccountWanted';
}

export class RegistryClient {
  readonly #scheme: 'http' | 'https';
  readonly #image: ImageName;
  readonly #deadline: AbortSignal;
  #token = '';

  constructor(image: ImageName, deadline: AbortSignal) {
    this.#scheme = LOOPBACK.test(image.host) ? 'http' : 'https';
    this.#image = image;
    this.#deadline = deadline;
  }

  /**
   * `path` is below the image's own.
   * @throws AccountWanted, RegistryError, or the error of a connection that failed.
   */
  async ask(method: 'GET' | 'HEAD', path: string, accept: string): Promise<RegistryAnswer> {
    const { host, path: image } = this.#image;
    const url = `${this.#scheme}://${host}/v2/${image}/${path}`;
    const first = await this.#send(method, url, accept);
    if (first.status !== 401 || this.#token !== '') return first;
    this.#token = await this.#newToken(first.headers.get('WWW-Authenticate') ?? '');
    return this.#send(method, url, accept);
  }

  async #newToken(challenge: string): Promise<string> {
    const [, scheme = ''] = /^\s*(\w+)/.exec(challenge) ?? [];
    if (scheme.toLowerCase() !== 'bearer') throw new AccountWanted(`401, ${scheme || 'no'} scheme`);
    const url = this.#tokenUrl(challenge);
    const answer = await this.#send('GET', url, 'application/json');
    if (answer.status === 401 || answer.status === 403) {
      throw new AccountWanted(`${answer.status} to the request for a token`);
    }
    if (answer.status !== 200) throw unusable(answer, 'to the request for a token');
    const json = parseJson(answer.body);
    const token = field(json, 'token') ?? field(json, 'access_token');
    if (typeof token === 'string' && /^[\x21-\x7e]+$/.test(token)) return token;
    throw new RegistryError('200 without a token to the request for one');
  }

  #tokenUrl(challenge: string): string {
    const parameters = new Map<string, string>();
    for (const [, name = '', quoted, plain = ''] of challenge.matchAll(PARAMETER)) {
      parameters.set(name.toLowerCase(), quoted ?? plain);
    }
    const realm = parameters.get('realm') ?? '';
    const protocols = this.#scheme === 'http' ? ['http:', 'https:'] : ['https:'];
    if (!URL.canParse(realm) || !protocols.includes(new URL(realm).protocol)) {
      throw new RegistryError(`401 with the realm "${realm}", which is no address for a token`);
    }
    const url = new URL(realm);
    const service = parameters.get('service');
    if (service !== undefined) url.searchParams.set('service', service);
    const scope = parameters.get('scope') ?? `repository:${this.#image.path}:pull`;
    url.searchParams.set('scope', scope);
    return url.href;
  }

  async #send(method: string, url: string, accept: string): Promise<RegistryAnswer> {
    const headers: Record<string, string> = { Accept: accept };
    // `fetch` forgets it at a redirection to another host, as it must: blobs are elsewhere.
    if (this.#token !== '') headers['Authorization'] = `Bearer ${this.#token}`;
    const answer = await fetch(url, { method, headers, signal: this.#deadline });
    const { status, headers: found } = answer;
    return { status, headers: found, body: await textOf(answer) };
  }
}

/** @throws RegistryError when it is longer than any manifest. */
async function textOf({ body, status }: Response): Promise<string> {
  const decoder = new TextDecoder();
  let [text, bytes] = ['', 0];
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new RegistryError(`${status} with an endless body`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}

/** An answer that says nothing about the image. */
export function unusable({ status, headers }: RegistryAnswer, to: string): RegistryError {
  if (status !== 429) return new RegistryError(`${status} ${to}`);
  const after = headers.get('Retry-After') ?? '';
  const again = /^\d+$/.test(after) ? `in ${after} s` : 'later';
  return new RegistryError(`429 ${to}: too many requests, try again ${again}`);
}
