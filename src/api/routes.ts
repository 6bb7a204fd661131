// Which request gets which answer. What stands behind the answers comes in as a Desk; nothing here knows the other stages.

import type { ServerResponse } from 'node:http';
import type { IdWords } from '../payment.ts';
import type { BodyRequest } from './body.ts';
import { PaymentInput, readPayment } from './payment-json.ts';
import * as replies from './replies.ts';
import { send } from './replies.ts';

/**
 * - accepted, repeated: safely held, or known with this amount.
 * - conflict: known with another amount.
 * - full: no room.
 * - purging: not before a purge is over.
 * - stopping: not here any more.
 * - foreign: another instance's, and handed over by one already.
 * - disagreeing: the ledger or another instance says something else of this one's place.
 * - draining: not before the number of instances has changed.
 * - broken: can't be held safely.
 */
type PaymentAnswer =
  | 'accepted'
  | 'repeated'
  | 'conflict'
  | 'full'
  | 'purging'
  | 'stopping'
  | 'foreign'
  | 'disagreeing'
  | 'draining'
  | 'broken';

const REPLIES: Readonly<Record<Exclude<PaymentAnswer, 'disagreeing'>, replies.Reply>> = {
  accepted: replies.ACCEPTED,
  repeated: replies.ACCEPTED,
  conflict: replies.CONFLICT,
  full: replies.FULL,
  purging: replies.PURGING,
  stopping: replies.STOPPING,
  foreign: replies.MISDIRECTED,
  draining: replies.DRAINING,
  broken: replies.BROKEN,
};

type SummaryAnswer =
  | { readonly json: string }
  | { readonly field: string; readonly reason: string }
  | { readonly missing: string }
  | 'busy';

export interface Desk {
  /** `id` is only valid during the call. `fromPeer`: an instance hands over what it believes to be ours. */
  pay(id: IdWords, amountCents: number, fromPeer: boolean): PaymentAnswer | Promise<PaymentAnswer>;
  /**
   * 'busy' while too many are asked for; what is missing when it would not be true. @throws when
   * the ledger can't be read now.
   */
  summary(query: string): Promise<SummaryAnswer>;
  /** Forgets every payment, on all instances; 'busy' while another purge does. @throws when that can't be done now. */
  purge(): Promise<'purged' | 'busy'>;
  /** Another instance leads that purge: whether nothing is under way here, and none is taken of clients. Never rejects. */
  holdStill(purge: string): Promise<boolean>;
  /** Whether nothing is taken any more until the end of that purge. */
  freeze(purge: string): boolean;
  /** Whether every payment here was forgotten for that purge. */
  forget(purge: string): Promise<boolean>;
  /**
   * undefined once what is charged by now is in the ledger; within a bound, the reason why that
   * isn't so.
   */
  flush(): Promise<string | undefined>;
  /** JSON. */
  status(): string;
  /** JSON: which instance this is, by its own word. */
  identity(): string;
  /**
   * Whether the instance that hands over a payment takes this one for what it is; its words are the
   * request's query.
   */
  isMeant(query: string): boolean;
  /** Why this instance disagrees. */
  disagreement(): string;
}

export interface RouteOptions {
  readonly desk: Desk;
  readonly amountMaxCents: number;
  readonly allowPurge: boolean;
}

export type Route = (request: BodyRequest, response: ServerResponse) => void;

interface Entry {
  readonly method: 'GET' | 'POST';
  readonly run: Route;
}

export function createRouter(options: RouteOptions): Route {
  const { desk, allowPurge } = options;
  const entries = new Map<string, Entry>([
    ['/payments', { method: 'POST', run: payment(options, false) }],
    ['/payments-summary', { method: 'GET', run: summary(desk) }],
    ['/internal/payments', { method: 'POST', run: payment(options, true) }],
    ['/internal/flush', { method: 'POST', run: flush(desk) }],
    ['/internal/status', { method: 'GET', run: tell(() => desk.status()) }],
    ['/internal/identity', { method: 'GET', run: tell(() => desk.identity()) }],
  ]);
  if (allowPurge) {
    entries.set('/purge-payments', { method: 'POST', run: purge(desk) });
    entries.set('/internal/hold-still', {
      method: 'POST',
      run: obey((name) => desk.holdStill(name)),
    });
    entries.set('/internal/freeze', { method: 'POST', run: obey((name) => desk.freeze(name)) });
    entries.set('/internal/forget', { method: 'POST', run: obey((name) => desk.forget(name)) });
  }
  return (request, response) => {
    const entry = entries.get(pathOf(request));
    if (entry === undefined) send(response, replies.NOT_FOUND);
    else if (entry.method === request.method) entry.run(request, response);
    else send(response, replies.methodNotAllowed(entry.method));
  };
}

function payment({ desk, amountMaxCents }: RouteOptions, fromPeer: boolean): Route {
  const input = new PaymentInput();
  const onBody = (_: BodyRequest, response: ServerResponse, body: Buffer): void => {
    const fault = readPayment(body, amountMaxCents, input);
    if (fault !== undefined) {
      send(response, replies.badField(fault.field, fault.reason));
      return;
    }
    const answer = desk.pay(input.id, input.amountCents, fromPeer);
    if (typeof answer === 'string') send(response, replyTo(answer));
    else sendLater(response, answer.then(replyTo), 'the payment can not be held');
  };
  const replyTo = (answer: PaymentAnswer): replies.Reply =>
    answer === 'disagreeing' ? replies.unavailable(desk.disagreement()) : REPLIES[answer];
  return (request, response) => {
    if (fromPeer && !desk.isMeant(queryOf(request))) send(response, replies.ANOTHER);
    else request.readBody(response, onBody, onTooLarge);
  };
}

function onTooLarge(_: BodyRequest, response: ServerResponse): void {
  send(response, replies.TOO_LARGE);
}

function summary(desk: Desk): Route {
  const summarize = async (query: string): Promise<replies.Reply> => {
    const answer = await desk.summary(query);
    if (answer === 'busy') return replies.BUSY;
    if ('missing' in answer) return replies.unavailable(answer.missing);
    return 'json' in answer
      ? replies.ok(answer.json)
      : replies.badField(answer.field, answer.reason);
  };
  return (request, response) =>
    sendLater(response, summarize(queryOf(request)), 'the ledger can not be read');
}

function flush(desk: Desk): Route {
  return (_, response) =>
    sendLater(
      response,
      desk
        .flush()
        .then((missing) =>
          missing === undefined ? replies.ACCEPTED : replies.unavailable(missing),
        ),
      'the ledger can not be written',
    );
}

function purge(desk: Desk): Route {
  return (_, response) =>
    sendLater(
      response,
      desk.purge().then((told) => (told === 'busy' ? replies.PURGING : replies.PURGED)),
      'not all is purged',
    );
}

function obey(order: (purge: string) => boolean | Promise<boolean>): Route {
  return (request, response) =>
    sendLater(
      response,
      Promise.resolve(order(queryOf(request))).then((done) =>
        done ? replies.STILL : replies.NOT_STILL,
      ),
      'payments are under way',
    );
}

function tell(json: () => string): Route {
  return (_, response) => send(response, replies.ok(json()));
}

function sendLater(
  response: ServerResponse,
  reply: Promise<replies.Reply>,
  otherwise: string,
): void {
  reply.then(
    (made) => send(response, made),
    () => send(response, replies.unavailable(otherwise)),
  );
}

const SLASH = 47;
const SCHEME_AND_HOST = /^https?:\/\/[^/?#]*/i;

/** A proxy may send the whole address, which every server is to take (RFC 9112, 3.2.2). */
function targetOf({ url = '' }: BodyRequest): string {
  return url.charCodeAt(0) === SLASH ? url : url.replace(SCHEME_AND_HOST, '');
}

function pathOf(request: BodyRequest): string {
  const target = targetOf(request);
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}

function queryOf(request: BodyRequest): string {
  const target = targetOf(request);
  const query = target.indexOf('?');
  return query < 0 ? '' : target.slice(query + 1);
}
