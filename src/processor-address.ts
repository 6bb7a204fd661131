// A processor's address, from its setting: every part of it is used, or the start is refused.

export interface Address {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Without the brackets of IPv6. */
  readonly hostname: string;
  /** Before each path, without a slash at its end. */
  readonly prefix: string;
  /** Behind each path: '' or '?…'. */
  readonly query: string;
  /** The value of the header `authorization`; undefined without a user and a password. */
  readonly authorization: string | undefined;
  /** What no log may show. */
  readonly secrets: readonly string[];
}

const NOT_BASIC =
  'has a user or a password that basic authentication cannot send: ' +
  'not percent-encoded UTF-8, a control character, or a colon in the user';

/**
 * The address, or what is wrong with it, in words that show nothing of it: it may hold a password.
 */
export function readAddress(url: string): Address | string {
  if (!URL.canParse(url)) return 'must be an http:// or https:// address';
  const { protocol, origin, hostname, pathname, search, hash, username, password } = new URL(url);
  if (!/^https?:$/.test(protocol)) return 'must be an http:// or https:// address';
  if (hash !== '')
    return 'has a fragment (#…), which is never sent: write # as %23, or leave it out';
  const user = decode(username);
  const secret = decode(password);
  if (user === undefined || secret === undefined || user.includes(':')) {
    return NOT_BASIC;
  }
  const token = Buffer.from(`${user}:${secret}`).toString('base64');
  const hasUser = username !== '' || password !== '';
  return {
    origin,
    hostname: hostname.replace(/^\[|\]$/g, ''),
    prefix: pathname.replace(/\/+$/, ''),
    query: search,
    authorization: hasUser ? `Basic ${token}` : undefined,
    secrets: hasUser ? [token, password, secret].filter((text) => text !== '') : [],
  };
}

function decode(text: string): string | undefined {
  try {
    const decoded = decodeURIComponent(text);
    return /\p{Cc}/u.test(decoded) ? undefined : decoded;
  } catch {
    return undefined;
  }
}
