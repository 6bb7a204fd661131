// Reads what a processor says of a payment. The text is parsed as JSON; the amount is taken from
// its digits in the text, since JSON.parse makes a float of it.

import { centsFromDecimal } from '../cents.ts';
import { isoTime } from '../iso-time.ts';
import type { Charge } from '../payment.ts';

/**
 * The payment in a processor's answer; undefined when it isn't whole, or isn't the one asked for.
 */
export function readHeld(text: string, correlationId: string): Charge | undefined {
  const { correlationId: id, requestedAt } = parseObject(text) ?? {};
  if (typeof id !== 'string' || id.toLowerCase() !== correlationId) return undefined;
  const amountCents = centsIn(text);
  const requestedAtMs = typeof requestedAt === 'string' ? isoTime(requestedAt, 'down') : undefined;
  if (amountCents === undefined || requestedAtMs === undefined) return undefined;
  return { correlationId, amountCents, requestedAtMs };
}

/**
 * Whether the body of a 200 confirms `charge`: a JSON object that neither speaks of an error nor of
 * another payment. Words for "it failed" differ from one processor to the next; these are the usual
 * ones, and who is in doubt asks.
 */
export function confirms(text: string, charge: Charge): boolean {
  const said = parseObject(text);
  if (said === undefined) return false;
  const { correlationId: id, amount, error, errors, success, ok } = said;
  if (!isNothing(error) || !isNothing(errors) || success === false || ok === false) return false;
  const isOurs = typeof id === 'string' && id.toLowerCase() === charge.correlationId;
  if (id !== undefined && !isOurs) return false;
  return amount === undefined || centsIn(text) === charge.amountCents;
}

/** undefined when the text isn't a JSON object. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  const value = parse(text);
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as Record<string, unknown>) : undefined;
}

/** Whether the text is JSON, of any kind. */
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

/** In valid JSON: a string, a bracket, a colon, a comma, or a number or word. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[[\]{}:,]|[^\s"[\]{}:,]+/g;

/**
 * The digits of a JSON object's number under `key`, as they are written; undefined when there is
 * none. Of several keys that are the same the last one counts, as for JSON.parse, which has to
 * agree on the value.
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

/** null, false, '', [] and {}. */
function isNothing(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return !value;
  return Object.keys(value).length === 0;
}
