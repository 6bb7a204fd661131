// Who may ask the admin server, and for what.
//
// On a Unix socket the socket's mode decides. On a port every request needs the token, but for what
// is open: liveness, readiness and the page's files. Without a token a port answers questions and
// takes no actions. A browser may be made to ask by another site, so what comes from one is refused
// everywhere.

import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { AdminAddress } from '../config/admin-address.ts';
import * as replies from './replies.ts';
import type { Reply } from './replies.ts';
import { secretCheck } from './secret.ts';

const BEARER = /^Bearer +(\S+)$/i;
const WITHOUT_TOKEN = new Set(['/live', '/ready']);

const NO_TOKEN = replies.unauthorized('needs "Authorization: Bearer" and the token ADMIN_TOKEN');
const OTHER_SITE = replies.forbidden('Origin', 'another site may not ask this server');
const OTHER_HOST = replies.forbidden(
  'Host',
  'must be localhost, an IP address or the host in ADMIN_LISTEN',
);
const NO_ACTIONS = replies.forbidden(
  'Authorization',
  'a port takes no actions without ADMIN_TOKEN; a Unix socket does',
);

export class AdminAccess {
  /** '' for a Unix socket. */
  readonly #host: string;
  readonly #isPort: boolean;
  readonly #isToken: ((text: string) => boolean) | undefined;
  readonly #isPageFile: (path: string) => boolean;

  /** For one address. `token`: ADMIN_TOKEN, '' for none. */
  constructor(address: AdminAddress, token: string, isPageFile: (path: string) => boolean) {
    this.#isPort = 'port' in address;
    this.#host = 'port' in address ? address.host.toLowerCase() : '';
    this.#isToken = token === '' ? undefined : secretCheck(token);
    this.#isPageFile = isPageFile;
  }

  /** The answer to a request that is refused; undefined if it may go on. */
  refusal({ method = '', headers }: IncomingMessage, path: string): Reply | undefined {
    if (isFromOtherSite(headers)) return OTHER_SITE;
    const isOpen = WITHOUT_TOKEN.has(path) || this.#isPageFile(path);
    const isAction = method !== 'GET' && method !== 'HEAD';
    if (this.#isPort && (!isOpen || isAction)) {
      if (this.#isToken !== undefined) {
        if (!this.#hasToken(headers.authorization)) return NO_TOKEN;
      } else {
        if (!this.#isOwnHost(headers.host)) return OTHER_HOST;
        if (isAction) return NO_ACTIONS;
      }
    }
    return undefined;
  }

  #hasToken(authorization: string | undefined): boolean {
    const [, token] = BEARER.exec(authorization ?? '') ?? [];
    return token !== undefined && this.#isToken?.(token) === true;
  }

  /**
   * A name of somebody else may lead to this machine (DNS rebinding): then a browser takes that
   * site's scripts and this server for one site.
   */
  #isOwnHost(host: string | undefined): boolean {
    const name = hostOf(`http://${host ?? ''}`, 'hostname')?.replace(/^\[|\]$/g, '');
    if (name === undefined) return false;
    return name === 'localhost' || name === this.#host || isIP(name) !== 0;
  }
}

function isFromOtherSite(headers: IncomingMessage['headers']): boolean {
  const { origin, host = '' } = headers;
  if (origin !== undefined) {
    const [scheme] = origin.split('//');
    const from = hostOf(origin, 'host');
    if (from === undefined || from !== hostOf(`${scheme}//${host}`, 'host')) return true;
  }
  // A link from another site may lead here; its scripts and pictures may not ask.
  const site = headers['sec-fetch-site'];
  const isForeign = site === 'cross-site' || site === 'same-site';
  return isForeign && headers['sec-fetch-mode'] !== 'navigate';
}

function hostOf(url: string, part: 'host' | 'hostname'): string | undefined {
  try {
    return new URL(url)[part] || undefined;
  } catch {
    return undefined;
  }
}

/** Asked of every order: a form of another site can't send this type without asking first. */
export function isJson({ headers }: IncomingMessage): boolean {
  const type = headers['content-type'] ?? '';
  return (type.split(';')[0] ?? '').trim().toLowerCase() === 'application/json';
}
