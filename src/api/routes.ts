// The routes: a path and a method to the code that answers, with the payments' route itself.

import type { ServerResponse } from 'node:http';
import { IN_DOUBT } from '../gateways/peer.ts';
import type { Admission } from '../intake/admission.ts';
import type { Admitted } from '../intake/admitted.ts';
import type { BodyRequest } from './body.ts';
import type { Handlers } from './handlers.ts';
import type { Operations } from './operations.ts';
import { isAction } from './order-json.ts';
import { PaymentInput, readPayment } from './payment-json.ts';
import * as replies from './replies.ts';
import { send, type Reply } from './replies.ts';
import { endAfterUpgrade } from './unreadable.ts';

const REPLIES: Readonly<Record<Exclude<Admitted, 'disagreeing'>, Reply>> = {
  accepted: replies.ACCEPTED,
  repeated: replies.ACCEPTED,
  conflict: replies.CONFLICT,
  'given up': replies.GIVEN_UP,
  full: replies.FULL,
  purging: replies.PURGING,
  stopping: replies.STOPPING,
  foreign: replies.MISDIRECTED,
  draining: replies.DRAINING,
  broken: replies.BROKEN,
  late: replies.LATE,
  unsafe: replies.UNSAFE,
};

export interface RouteOptions {
  readonly admission: Admission;
  readonly amountMaxCents: number;
  /**
   * The query that a peer sends when it hands a payment over to this instance or wants a flush, and
   * with which that of a payment in doubt and of a purge's step begins.
   * What comes with another query is meant for another instance and is refused.
   */
  readonly ownQuery: string;
  /** Without handlers only the payments' routes exist. */
  readonly handlers?: Handlers;
  readonly operations?: Operations;
  readonly allowPurge: boolean;
}

export type Route = (request: BodyRequest, response: ServerResponse) => void;

interface Entry {
  readonly method: 'GET' | 'POST';
  readonly run: Route;
}

export function createRouter(options: RouteOptions): Route {
  const { handlers, operations } = options;
  const entries = new Map<string, Entry>([
    ['/payments', { method: 'POST', run: payment(options, false) }],
    ['/internal/payments', { method: 'POST', run: payment(options, true) }],
  ]);
  if (handlers !== undefined) addHandlers(entries, handlers, options);
  if (operations !== undefined) {
    const run: Route = (request, response) => send(response, operations.heldHere(queryOf(request)));
    entries.set('/internal/held', { method: 'GET', run });
  }
  return (request, response) => {
    endAfterUpgrade(request, response);
    const path = pathOf(request);
    const entry = entries.get(path) ?? heldPayment(path, options);
    if (entry === undefined) send(response, replies.NOT_FOUND);
    else if (entry.method === request.method) entry.run(request, response);
    else send(response, replies.methodNotAllowed(entry.method));
  };
}

function payment({ admission, amountMaxCents, ownQuery }: RouteOptions, fromPeer: boolean): Route {
  const input = new PaymentInput();
  const replyTo = (admitted: Admitted): Reply => {
    admission.answers[admitted]++;
    return admitted === 'disagreeing'
      ? replies.unavailable(admission.barReason)
      : REPLIES[admitted];
  };
  const onBody = (request: BodyRequest, response: ServerResponse, body: Buffer): void => {
    const fault = readPayment(body, amountMaxCents, input);
    if (fault !== undefined) {
      admission.answers.invalid++;
      send(response, replies.badField(fault.field, fault.reason));
      return;
    }
    const isInDoubt = fromPeer && queryOf(request) !== ownQuery;
    const admitted = admission.admit(input.id, input.amountCents, fromPeer, isInDoubt);
    if (typeof admitted === 'string') send(response, replyTo(admitted));
    else sendLater(response, admitted.then(replyTo), 'the payment can not be held');
  };
  const onTooLarge = (_: BodyRequest, response: ServerResponse): void => {
    admission.answers.invalid++;
    send(response, replies.TOO_LARGE);
  };
  return (request, response) => {
    const query = fromPeer ? queryOf(request) : ownQuery;
    const isForUs = query === ownQuery || query === ownQuery + IN_DOUBT;
    if (isForUs) request.readBody(response, onBody, onTooLarge);
    else send(response, replies.WRONG_INSTANCE);
  };
}

function refuseTooLarge(_: BodyRequest, response: ServerResponse): void {
  send(response, replies.TOO_LARGE);
}

const HELD_PAYMENT = /^\/internal\/payments\/([^/]+)(?:\/([^/]+))?$/;

/** Another instance asks for a payment by its id, or passes on an operator's order. */
function heldPayment(path: string, { handlers, operations }: RouteOptions): Entry | undefined {
  if (handlers === undefined || !path.startsWith('/internal/')) return undefined;
  const [, correlationId, action] = HELD_PAYMENT.exec(path) ?? [];
  if (correlationId === undefined) return undefined;
  if (action === undefined) {
    const reply = (): Reply => handlers.heldPayment(correlationId);
    return { method: 'GET', run: (_, response) => send(response, reply()) };
  }
  if (!isAction(action) || operations === undefined) return undefined;
  const onBody = (_: BodyRequest, response: ServerResponse, body: Buffer): void =>
    sendLater(response, operations.orderHere(correlationId, action, body), 'nothing was done');
  return {
    method: 'POST',
    run: (request, response) => request.readBody(response, onBody, refuseTooLarge),
  };
}

function addHandlers(
  entries: Map<string, Entry>,
  handlers: Handlers,
  { allowPurge, ownQuery }: RouteOptions,
): void {
  const get = (path: string, run: Route): unknown => entries.set(path, { method: 'GET', run });
  const post = (path: string, run: Route): unknown => entries.set(path, { method: 'POST', run });
  get(
    '/payments-summary',
    later((query) => handlers.summary(query), 'the ledger can not be read'),
  );
  post(
    '/internal/flush',
    later((query) => {
      if (query !== '' && query !== ownQuery) return Promise.resolve(replies.WRONG_INSTANCE);
      return handlers.flush();
    }, 'the ledger can not be written'),
  );
  get('/internal/status', (_, response) => send(response, handlers.status()));
  get('/internal/live', (_, response) => send(response, replies.LIVE));
  get('/internal/ready', (_, response) => send(response, handlers.ready()));
  get('/internal/snapshot', (request, response) => {
    send(response, handlers.snapshot(queryOf(request)));
  });
  get('/internal/identity', (_, response) => send(response, handlers.identity()));
  if (!allowPurge) return;
  const underWay = 'payments are under way';
  post(
    '/purge-payments',
    later(() => handlers.purge(), 'not all is purged'),
  );
  const step = (path: string, take: (purge: string) => Promise<Reply>): unknown => {
    const named = `${ownQuery}&purge=`;
    const handle = async (query: string): Promise<Reply> =>
      query.startsWith(named) ? take(query.slice(named.length)) : replies.WRONG_INSTANCE;
    return post(path, later(handle, underWay));
  };
  step('/internal/hold-still', (purge) => handlers.holdStill(purge));
  step('/internal/freeze', (purge) => handlers.freeze(purge));
  step('/internal/forget', (purge) => handlers.forget(purge));
}

/** `otherwise`: the reason in the 503 if the handler rejects. */
function later(handle: (query: string) => Promise<Reply>, otherwise: string): Route {
  return (request, response) => sendLater(response, handle(queryOf(request)), otherwise);
}

function sendLater(response: ServerResponse, reply: Promise<Reply>, otherwise: string): void {
  reply.then(
    (made) => send(response, made),
    () => send(response, replies.unavailable(otherwise)),
  );
}

const SLASH = 47;
const SCHEME_AND_HOST = /^https?:\/\/[^/?#]*/i;

/** A proxy may send an absolute address; every server must accept it (RFC 9112, 3.2.2). */
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
