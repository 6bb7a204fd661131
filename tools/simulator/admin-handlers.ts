// The simulator's /admin endpoints: the contest's summary and levers, and for tests and audits all
// payments, the attempts and the faults.

import type { ServerResponse } from 'node:http';
import { feeDecimal, signedDecimal } from './amounts.ts';
import { reply } from './answers.ts';
import { noAttempts, type Busy } from './attempts.ts';
import { faultFrom, isWhole, type FaultLever } from './faults.ts';
import { millisecondsFrom, objectFrom } from './payment-body.ts';
import type { Settings } from './payment-handlers.ts';
import type { Charge } from '../../src/payment.ts';
import type { ChargeStore } from './charge-store.ts';

export interface AdminParts {
  readonly settings: Settings;
  readonly charges: ChargeStore;
  readonly faults: FaultLever;
  readonly feeBps: number;
  readonly busy: () => Busy;
}

export interface AdminCall {
  readonly response: ServerResponse;
  readonly token: string | undefined;
  /** "PUT /admin/…" without the query. */
  readonly route: string;
  readonly query: string;
  readonly body: string;
}

const DELAY_MS_MAX = 10 * 60_000;
const BAD_REQUEST = '{"message":"not a value for this"}';

export class AdminHandlers {
  readonly #parts: AdminParts;

  constructor(parts: AdminParts) {
    this.#parts = parts;
  }

  serve(call: AdminCall): void {
    const { response } = call;
    const { settings, faults } = this.#parts;
    if (call.token !== settings.token) {
      reply(response, 401, '');
      return;
    }
    switch (call.route) {
      case 'GET /admin/payments-summary':
        this.#summarize(response, new URLSearchParams(call.query));
        return;
      case 'GET /admin/payments':
        this.#list(response, new URLSearchParams(call.query));
        return;
      case 'GET /admin/attempts':
        reply(response, 200, JSON.stringify({ ...settings.attempts, busy: this.#parts.busy() }));
        return;
      case 'GET /admin/configurations/fault':
        reply(response, 200, JSON.stringify(faults.fault));
        return;
      case 'POST /admin/purge-payments':
        this.#parts.charges.purge();
        settings.attempts = noAttempts();
        reply(response, 200, '{"message":"All payments purged."}');
        return;
      case 'PUT /admin/configurations/token':
      case 'PUT /admin/configurations/delay':
      case 'PUT /admin/configurations/failure':
      case 'PUT /admin/configurations/fault':
        this.#configure(response, call.route, objectFrom(call.body));
        return;
      default:
        reply(response, 404, '');
    }
  }

  #configure(
    response: ServerResponse,
    route: string,
    wanted: Readonly<Record<string, unknown>>,
  ): void {
    const { settings, faults } = this.#parts;
    const { token, delay, failure } = wanted;
    if (route.endsWith('/token') && typeof token === 'string') {
      settings.token = token;
      reply(response, 204, '');
    } else if (route.endsWith('/delay') && isWhole(delay, 0, DELAY_MS_MAX)) {
      const was = settings.delayMs;
      settings.delayMs = delay;
      reply(response, 200, JSON.stringify({ config: 'delay', was, is: delay }));
    } else if (route.endsWith('/failure') && typeof failure === 'boolean') {
      const was = settings.failing;
      settings.failing = failure;
      reply(response, 200, JSON.stringify({ config: 'failure', was, is: failure }));
    } else {
      const fault = route.endsWith('/fault') ? faultFrom(wanted) : undefined;
      if (fault !== undefined) faults.set(fault);
      reply(
        response,
        fault === undefined ? 400 : 200,
        fault === undefined ? BAD_REQUEST : JSON.stringify(fault),
      );
    }
  }

  #summarize(response: ServerResponse, query: URLSearchParams): void {
    const { charges, feeBps } = this.#parts;
    const range = rangeIn(query);
    if (range === undefined) {
      reply(response, 400, BAD_REQUEST);
      return;
    }
    const { requests, cents } = charges.totals(range.fromMs, range.toMs);
    reply(
      response,
      200,
      `{"totalAmount":${signedDecimal(cents)},"totalRequests":${requests},` +
        `"totalFee":${feeDecimal(cents, feeBps)},"feePerTransaction":${feeBps / 10_000}}`,
    );
  }

  /**
   * All payments, or with `from` and `to` those in the range; with `limit` so many at most, in
   * order of the id, after the id `after`. `chargedAtMs` is when a payment was stored. The
   * contest's processors have no such list.
   */
  #list(response: ServerResponse, query: URLSearchParams): void {
    const range = rangeIn(query);
    const limit = query.get('limit');
    const most = limit === null ? Infinity : Number(limit);
    if (range === undefined || !(most > 0)) {
      reply(response, 400, BAD_REQUEST);
      return;
    }
    const after = query.get('after') ?? '';
    let charges = [...this.#parts.charges.all()].filter(
      ({ correlationId, requestedAtMs }) =>
        correlationId > after && requestedAtMs >= range.fromMs && requestedAtMs <= range.toMs,
    );
    if (limit !== null) charges = charges.toSorted(byId).slice(0, most);
    const rows = charges.map(({ correlationId, amountCents, requestedAtMs, chargedAtMs }) => {
      const requestedAt = new Date(requestedAtMs).toISOString();
      return (
        `{"correlationId":"${correlationId}","amountCents":${amountCents},` +
        `"requestedAt":"${requestedAt}","chargedAtMs":${chargedAtMs}}`
      );
    });
    reply(response, 200, `[${rows.join(',')}]`);
  }
}

const byId = (one: Charge, other: Charge): number =>
  one.correlationId < other.correlationId ? -1 : 1;

/** Everything without `from` or `to`, as in the published source; undefined if one is no time. */
function rangeIn(
  query: URLSearchParams,
): { readonly fromMs: number; readonly toMs: number } | undefined {
  const [from, to] = [query.get('from'), query.get('to')];
  if (from === null || to === null) return { fromMs: -Infinity, toMs: Infinity };
  const fromMs = millisecondsFrom(from);
  const toMs = millisecondsFrom(to);
  return fromMs === undefined || toMs === undefined ? undefined : { fromMs, toMs };
}
