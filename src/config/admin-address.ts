// Where the admin server listens, ADMIN_LISTEN, and what opens it, ADMIN_TOKEN.

import { SOCKET_PATH_BYTES_MAX } from './bounds.ts';

/** For `listen` of a server. */
export type AdminAddress =
  | { readonly path: string }
  | { readonly host: string; readonly port: number };

export const HOST_AND_PORT = /^(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+)):(\d{1,5})$/;

/** Most addresses: a socket for tools on the machine, and a port or two. */
const ADDRESSES_MAX = 4;
/** As it can be sent in a header, and long enough not to be guessed. */
const TOKEN = /^[\x21-\x7e]{16,256}$/;

/** The addresses, separated by commas in the text; or what is wrong with it. */
export function readAdminAddresses(text: string): readonly AdminAddress[] | string {
  const parts = text.split(',');
  if (parts.length > ADDRESSES_MAX) return `must have at most ${ADDRESSES_MAX} addresses`;
  if (new Set(parts).size < parts.length) return 'must name each address once';
  const addresses: AdminAddress[] = [];
  for (const part of parts) {
    const address = readAdminAddress(part);
    if (typeof address === 'string') return address;
    addresses.push(address);
  }
  return addresses;
}

/** What is wrong with a token, without the token; undefined if nothing is. */
export function tokenFault(token: string): string | undefined {
  if (token === '' || TOKEN.test(token)) return undefined;
  return 'must have 16 to 256 visible ASCII characters, without a space';
}

function readAdminAddress(text: string): AdminAddress | string {
  if (text.startsWith('/')) {
    if (Buffer.byteLength(text) <= SOCKET_PATH_BYTES_MAX) return { path: text };
    return `must have at most ${SOCKET_PATH_BYTES_MAX} bytes as a path`;
  }
  const [, bracketed, plain, port = ''] = HOST_AND_PORT.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) {
    return 'must be host:port, [IPv6 address]:port, or the absolute path of a Unix socket';
  }
  return { host, port: Number(port) };
}
