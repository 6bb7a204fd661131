// Reads what a processor receives: a payment's JSON, with the amount from the digits as written;
// ids and times.

import type { Charge } from '../../src/payment.ts';
import { centsHalfEven } from './amounts.ts';

const AMOUNT = /"amount"\s*:\s*(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const DATE_TIME = /^\d{4}-\d\d-\d\dT/;
const ZONE = /(?:Z|[+-]\d\d:\d\d)$/;

/** undefined for a body that the processor refuses. */
export function chargeFromBody(text: string): Charge | undefined {
  const { correlationId, amount, requestedAt } = objectFrom(text);
  if (typeof correlationId !== 'string' || typeof requestedAt !== 'string') return undefined;
  const id = idFrom(correlationId);
  const requestedAtMs = millisecondsFrom(requestedAt);
  const digits = AMOUNT.exec(text)?.[1];
  // The digits must be of the field that JSON.parse found, not inside a string or another object.
  if (digits === undefined || Number(digits) !== amount) return undefined;
  const amountCents = centsHalfEven(digits);
  if (id === undefined || requestedAtMs === undefined || amountCents === undefined)
    return undefined;
  return { correlationId: id, amountCents, requestedAtMs };
}

/** A UUID in lower case. */
export function idFrom(text: string): string | undefined {
  const id = text.toLowerCase();
  return UUID.test(id) ? id : undefined;
}

/** Milliseconds since the epoch; a time without a zone is UTC. */
export function millisecondsFrom(text: string): number | undefined {
  if (!DATE_TIME.test(text)) return undefined;
  const milliseconds = Date.parse(ZONE.test(text) ? text : `${text}Z`);
  return Number.isNaN(milliseconds) ? undefined : milliseconds;
}

/** The object that `text` holds, or an empty one. */
export function objectFrom(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
