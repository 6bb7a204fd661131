// Reads a payment from the bytes of a request's body. The fast parser reads the usual bodies
// straight from the bytes. Every other body goes to the exact, slower parser, which accepts any
// valid JSON of the same meaning and says what is wrong with the rest.

import { centsFromDecimal, decimalFromCents } from '../cents.ts';
import { readId } from '../payment.ts';

/** The parser's output. One object serves all requests, since it is used before the next parse. */
export class PaymentInput {
  readonly id = new Uint32Array(4);
  amountCents = 0;
}

/** What is wrong with a body. `field` is the JSON field, or "body" for the whole. */
export interface InputFault {
  readonly field: 'body' | 'correlationId' | 'amount';
  readonly reason: string;
}

const QUOTE = 34;
const COMMA = 44;
const POINT = 46;
const ZERO = 48;
const COLON = 58;
const OPEN = 123;
const CLOSE = 125;

const CORRELATION_ID = Buffer.from('"correlationId"');
const AMOUNT = Buffer.from('"amount"');
/** Whole digits that the fast parser accepts: the cents stay below 2^53. */
const WHOLE_DIGITS_MAX = 13;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads a payment into `input`. Returns undefined, or the fault if `bytes` is not a payment of 1 to
 * `maxCents` (a safe integer).
 */
export function readPayment(
  bytes: Uint8Array,
  maxCents: number,
  input: PaymentInput,
): InputFault | undefined {
  return readFast(bytes, maxCents, input) ? undefined : readExact(bytes, maxCents, input);
}

/** Takes the two fields in either order, any white space, plain digits. False: not decided here. */
function readFast(bytes: Uint8Array, maxCents: number, input: PaymentInput): boolean {
  let at = skipSpace(bytes, 0);
  if (bytes[at] !== OPEN) return false;
  let hasId = false;
  let hasAmount = false;
  for (;;) {
    at = skipSpace(bytes, at + 1);
    if (!hasId && startsWith(bytes, at, CORRELATION_ID)) {
      at = skipColon(bytes, at + CORRELATION_ID.length);
      if (bytes[at] !== QUOTE || bytes[at + 37] !== QUOTE) return false;
      if (!readId(bytes, at + 1, input.id)) return false;
      at += 38;
      hasId = true;
    } else if (!hasAmount && startsWith(bytes, at, AMOUNT)) {
      at = skipColon(bytes, at + AMOUNT.length);
      at = readAmount(bytes, at, input);
      if (at < 0 || input.amountCents < 1 || input.amountCents > maxCents) return false;
      hasAmount = true;
    } else {
      return false;
    }
    at = skipSpace(bytes, at);
    if (bytes[at] !== COMMA) break;
  }
  return hasId && hasAmount && bytes[at] === CLOSE && skipSpace(bytes, at + 1) === bytes.length;
}

/** Returns the index after a number such as 19, 19.9 or 19.90; -1 for any other text. */
function readAmount(bytes: Uint8Array, start: number, input: PaymentInput): number {
  let at = start;
  let cents = 0;
  while (isDigit(bytes[at])) cents = cents * 10 + ((bytes[at++] as number) - ZERO);
  const digits = at - start;
  if (digits === 0 || digits > WHOLE_DIGITS_MAX) return -1;
  if (digits > 1 && bytes[start] === ZERO) return -1;
  cents *= 100;
  if (bytes[at] === POINT) {
    if (!isDigit(bytes[++at])) return -1;
    cents += ((bytes[at++] as number) - ZERO) * 10;
    if (isDigit(bytes[at])) cents += (bytes[at++] as number) - ZERO;
  }
  input.amountCents = cents;
  const next = skipSpace(bytes, at);
  return bytes[next] === COMMA || bytes[next] === CLOSE ? at : -1;
}

function isDigit(code: number | undefined): boolean {
  return code !== undefined && code >= ZERO && code <= 57;
}

function skipSpace(bytes: Uint8Array, start: number): number {
  let at = start;
  for (;;) {
    const code = bytes[at];
    if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return at;
    at++;
  }
}

/** Returns the index of the value after a colon, or the length of `bytes` if there is no colon. */
function skipColon(bytes: Uint8Array, start: number): number {
  const at = skipSpace(bytes, start);
  return bytes[at] === COLON ? skipSpace(bytes, at + 1) : bytes.length;
}

function startsWith(bytes: Uint8Array, start: number, wanted: Uint8Array): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[start + i] !== wanted[i]) return false;
  return true;
}

function readExact(
  bytes: Uint8Array,
  maxCents: number,
  input: PaymentInput,
): InputFault | undefined {
  let text: string;
  let value: unknown;
  try {
    text = utf8.decode(bytes);
    value = JSON.parse(text);
  } catch {
    return fault('body', bytes.length === 0 ? 'is missing' : 'is not valid JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return fault('body', 'must be a JSON object');
  }
  const { correlationId, amount } = value as Record<string, unknown>;
  if (correlationId === undefined) return fault('correlationId', 'is missing');
  if (typeof correlationId !== 'string') return fault('correlationId', 'must be a string');
  if (correlationId.length !== 36 || !readId(Buffer.from(correlationId), 0, input.id)) {
    return fault('correlationId', 'must be a UUID: 8-4-4-4-12 hexadecimal digits');
  }
  if (amount === undefined) return fault('amount', 'is missing');
  if (typeof amount !== 'number') return fault('amount', 'must be a number');
  const cents = centsFromDecimal(amountText(text), maxCents);
  if (cents === 'not-positive') return fault('amount', 'must be greater than zero');
  if (cents === 'too-precise') return fault('amount', 'must have at most two decimals');
  if (cents === 'too-large')
    return fault('amount', `must be at most ${decimalFromCents(maxCents)}`);
  input.amountCents = cents;
  return undefined;
}

function fault(field: InputFault['field'], reason: string): InputFault {
  return { field, reason };
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** The digits of the object's last "amount" as sent; JSON.parse gives a float. */
function amountText(json: string): string {
  let depth = 0;
  let key = '';
  let before = '';
  let digits = '';
  for (const [token] of json.matchAll(TOKEN)) {
    if (depth === 1 && token.startsWith('"') && (before === '{' || before === ',')) key = token;
    else if (depth === 1 && before === ':' && JSON.parse(key) === 'amount') digits = token;
    if (token === '{' || token === '[') depth++;
    if (token === '}' || token === ']') depth--;
    before = token;
  }
  return digits;
}
