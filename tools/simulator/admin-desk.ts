// /admin: the summary and the levers of the contest, and what tests and audits need besides: all payments, the attempts, the faults.

import type { ServerResponse } from 'node:http';
import { feeDecimal, signedDecimal } from './amounts.ts';
import { reply } from './answers.ts';
import { noAttempts, type Busy } from './attempts.ts';
import { faultFrom, isWhole, type FaultLever } from './faults.ts';
import { millisecondsFrom, objectFrom } from './payment-body.ts';
import type { Settings } from './payment-desk.ts';
import type { Vault } from './vault.ts';

export interface AdminParts {
  readonly settings: Settings;
  readonly vault: Vault;
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

export class AdminDesk {
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
        this.#list(response);
        return;
      case 'GET /admin/attempts':
        reply(response, 200, JSON.stringify({ ...settings.attempts, busy: this.#parts.busy() }));
        return;
      case 'GET /admin/configurations/fault':
        reply(response, 200, JSON.stringify(faults.fault));
        return;
      case 'POST /admin/purge-payments':
        this.#parts.vault.purge();
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

  /** Without one of the two ends it is about everything: so is the published source. */
  #summarize(response: ServerResponse, query: URLSearchParams): void {
    const { vault, feeBps } = this.#parts;
    const [from, to] = [query.get('from'), query.get('to')];
    const everything = from === null || to === null;
    const fromMs = everything ? -Infinity : millisecondsFrom(from);
    const toMs = everything ? Infinity : millisecondsFrom(to);
    if (fromMs === undefined || toMs === undefined) {
      reply(response, 400, BAD_REQUEST);
      return;
    }
    const { requests, cents } = vault.totals(fromMs, toMs);
    reply(
      response,
      200,
      `{"totalAmount":${signedDecimal(cents)},"totalRequests":${requests},` +
        `"totalFee":${feeDecimal(cents, feeBps)},"feePerTransaction":${feeBps / 10_000}}`,
    );
  }

  #list(response: ServerResponse): void {
    const rows: string[] = [];
    for (const { correlationId, amountCents, requestedAtMs } of this.#parts.vault.all()) {
      const requestedAt = new Date(requestedAtMs).toISOString();
      rows.push(
        `{"correlationId":"${correlationId}","amountCents":${amountCents},"requestedAt":"${requestedAt}"}`,
      );
    }
    reply(response, 200, `[${rows.join(',')}]`);
  }
}
