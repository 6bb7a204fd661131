// A processor's address, read from its setting. Every part of the address is used, or it is
// refused.

export interface Address {
  /** Scheme, host and port. */
  readonly origin: string;
  /** An IPv6 address has no brackets here. */
  readonly hostname: string;
  /** Stands before each path; it has no slash at its end. */
  readonly prefix: string;
  /** Stands behind each path: '' or '?…'. */
  readonly query: string;
  /** The value of the header `authorization`; undefined without a user and a password. */
  readonly authorization: string | undefined;
  /** Texts that no log may show. */
  readonly secrets: readonly string[];
}

const NOT_BASIC =
  'has a user or a password that basic authentication cannot send: ' +
  'not percent-encoded UTF-8, a control character, or a colon in the user';

/**
 * The address, or a text that says what is wrong with it. The text shows no part of the address,
 * which may have a password.
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

/** undefined if the text is not percent-encoded UTF-8 or has a control character. */
function decode(text: string): string | undefined {
  try {
    const decoded = decodeURIComponent(text);
    return /\p{Cc}/u.test(decoded) ? undefined : decoded;
  } catch {
    return undefined;
  }
}
