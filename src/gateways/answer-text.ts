// The text of an answer. A coded one is decoded although `identity` is asked for: some servers code
// whatever is asked.

import {
  brotliDecompressSync,
  gunzipSync,
  inflateRawSync,
  inflateSync,
  type ZlibOptions,
} from 'node:zlib';
import { ANSWER_BYTES_MAX, type Answer } from './http-call.ts';

type Decoder = (bytes: Uint8Array, options: ZlibOptions) => Buffer;

const DECODERS: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ['gzip', gunzipSync],
  ['x-gzip', gunzipSync],
  ['deflate', inflateEither],
  ['br', brotliDecompressSync],
  ['identity', (bytes): Buffer => Buffer.from(bytes)],
]);
const CODINGS_MAX = 3;
const HEADER = 'content-encoding';
/** The usual answer, for which nothing has to be done. */
const ASCII = /^[\0-\x7f]*$/;
/** Takes a byte order mark away; what isn't UTF-8 becomes U+FFFD. */
const UTF8 = new TextDecoder();

/** undefined when it is coded in a way that can't be undone, or would be too long. */
export function textOf({ text, headers }: Answer): string | undefined {
  const codings = text === '' ? [] : codingsOf(headers);
  if (codings.length === 0 && ASCII.test(text)) return text;
  if (codings.length > CODINGS_MAX) return undefined;
  let bytes = Buffer.from(text, 'latin1');
  for (const coding of codings.toReversed()) {
    const decoder = DECODERS.get(coding);
    if (decoder === undefined) return undefined;
    try {
      bytes = decoder(bytes, { maxOutputLength: ANSWER_BYTES_MAX }) as typeof bytes;
    } catch {
      return undefined;
    }
  }
  return UTF8.decode(bytes);
}

/** In the order in which they were applied. */
function codingsOf(headers: readonly Buffer[]): string[] {
  const codings: string[] = [];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] as Buffer;
    if (name.length !== HEADER.length || name.toString('latin1').toLowerCase() !== HEADER) continue;
    const list = (headers[at + 1] as Buffer).toString('latin1').toLowerCase().split(',');
    codings.push(...list.map((coding) => coding.trim()).filter((coding) => coding !== ''));
  }
  return codings;
}

/** Some servers leave the zlib wrapper out. */
function inflateEither(bytes: Uint8Array, options: ZlibOptions): Buffer {
  try {
    return inflateSync(bytes, options);
  } catch {
    return inflateRawSync(bytes, options);
  }
}
