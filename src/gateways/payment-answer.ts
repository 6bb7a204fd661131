// Reads a processor's answer about a payment. The text is parsed as JSON; the amount is read from
// its digits in the text, since JSON.parse makes it a float.

import { centsFromDecimal } from '../cents.ts';
import { isoTime } from '../iso-time.ts';
import type { Charge } from '../payment.ts';

/** The payment in a processor's answer; undefined if a field is missing or the id differs. */
export function readHeld(text: string, correlationId: string): Charge | undefined {
  const { correlationId: id, requestedAt } = parseObject(text) ?? {};
  if (typeof id !== 'string' || id.toLowerCase() !== correlationId) return undefined;
  const amountCents = centsIn(text);
  const requestedAtMs = typeof requestedAt === 'string' ? isoTime(requestedAt, 'down') : undefined;
  if (amountCents === undefined || requestedAtMs === undefined) return undefined;
  return { correlationId, amountCents, requestedAtMs };
}

/**
 * Whether the body of a 200 confirms `charge`: a JSON object without an error and without the id or
 * amount of another payment. Processors name errors differently; these are the usual names. If
 * false, the outcome is unknown, and the processor is asked for the payment.
 */
export function confirms(text: string, charge: Charge): boolean {
  const body = parseObject(text);
  if (body === undefined) return false;
  const { correlationId: id, amount, error, errors, success, ok } = body;
  if (!isNothing(error) || !isNothing(errors) || success === false || ok === false) return false;
  const isOurs = typeof id === 'string' && id.toLowerCase() === charge.correlationId;
  if (id !== undefined && !isOurs) return false;
  return amount === undefined || centsIn(text) === charge.amountCents;
}

/** Returns undefined if `text` is not a JSON object. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  const value = parse(text);
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as Record<string, unknown>) : undefined;
}

/** Whether `text` is any JSON value. */
export function isJson(text: string): boolean {
  return parse(text) !== undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function centsIn(text: string): number | undefined {
  const digits = numberText(text, 'amount');
  if (digits === undefined) return undefined;
  const cents = centsFromDecimal(digits, Number.MAX_SAFE_INTEGER);
  return typeof cents === 'number' ? cents : undefined;
}

/** A token of valid JSON: a string, a bracket, a colon, a comma, or a number or word. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[[\]{}:,]|[^\s"[\]{}:,]+/g;

/**
 * The digits of the number under `key` in a JSON object, as written; undefined without a number. If
 * the key occurs several times, the last one counts, as for JSON.parse, which must give the same
 * value.
 */
export function numberText(json: string, key: string): string | undefined {
  const value = parseObject(json)?.[key];
  if (typeof value !== 'number') return undefined;
  let depth = 0;
  let name = '';
  let previous = '';
  let found: string | undefined;
  for (const [token] of json.matchAll(TOKEN)) {
    if (depth === 1 && token === ':') name = JSON.parse(previous) as string;
    if (depth === 1 && previous === ':' && name === key) found = token;
    if (token === '{' || token === '[') depth++;
    if (token === '}' || token === ']') depth--;
    previous = token;
  }
  return Number(found) === value ? found : undefined;
}

/** True for undefined, null, false, 0, '', [] and {}. */
function isNothing(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return !value;
  return Object.keys(value).length === 0;
}
