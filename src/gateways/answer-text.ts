// Decodes the text of an answer: its content codings and UTF-8. Requests ask for `identity`, but
// some servers compress anyway.

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
/** The usual answer, which needs no decoding. */
const ASCII = /^[\0-\x7f]*$/;
/** Removes a byte order mark; replaces bytes that are not UTF-8 by U+FFFD. */
const UTF8 = new TextDecoder();

/** Returns undefined if the answer can't be decoded, or is too long when decoded. */
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

/** The answer's content codings, in the order in which they were applied. */
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

/** Some servers send `deflate` without the zlib wrapper. */
function inflateEither(bytes: Uint8Array, options: ZlibOptions): Buffer {
  try {
    return inflateSync(bytes, options);
  } catch {
    return inflateRawSync(bytes, options);
  }
}
