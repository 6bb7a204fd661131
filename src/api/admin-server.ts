// The admin server: what an operator and a monitoring system ask of one instance. It has sockets
// and ports of its own, since its answers are not for clients. An object of this class is one of
// them.

import { createServer, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { CONTENT_TYPE } from '../metrics/exposition.ts';
import type { AdminAddress } from '../config/admin-address.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { SystemSnapshot } from '../snapshot/system-snapshot.ts';
import type { Clock } from '../clock.ts';
import type { Log } from '../log/log.ts';
import { AdminAccess, isJson } from './admin-access.ts';
import { AdminConnections, REQUEST_TIMES } from './admin-connections.ts';
import type { AdminEvents } from './admin-events.ts';
import { BodyRequest } from './body.ts';
import type { Handlers } from './handlers.ts';
import type { Operations } from './operations.ts';
import { isAction } from './order-json.ts';
import * as replies from './replies.ts';
import type { Reply } from './replies.ts';
import { listen } from './listen.ts';
import { endAfterUpgrade, refuseConnect, refuseUnreadable } from './unreadable.ts';

export interface AdminServerParts {
  readonly address: AdminAddress;
  /** ADMIN_TOKEN; '' for none. */
  readonly token: string;
  readonly handlers: Handlers;
  readonly operations: Operations;
  readonly metrics: Metrics;
  readonly system: SystemSnapshot;
  readonly events: AdminEvents;
  /** By path. */
  readonly pageFiles: ReadonlyMap<string, Reply>;
  readonly clock: Clock;
  readonly log: Log;
}

/** A client that reads nothing of its answer for so long is cut off; no answer takes so long. */
const UNREAD_MS = 10_000;
/** HEAD_TOO_LARGE in replies.ts names it. */
const HEAD_BYTES_MAX = 16_384;
const PAYMENT = /^\/payments\/([^/]+)$/;
const ORDER = /^\/payments\/([^/]+)\/([^/]+)$/;
const ONLY_QUESTIONS = replies.methodNotAllowed('GET, HEAD');
const COMMON_HEADERS = ['X-Content-Type-Options', 'nosniff', 'Cache-Control', 'no-store'];

export class AdminServer {
  readonly #parts: AdminServerParts;
  readonly #access: AdminAccess;
  readonly #server: Server;
  readonly #connections: AdminConnections;

  constructor(parts: AdminServerParts) {
    this.#parts = parts;
    const { address, token, pageFiles } = parts;
    this.#connections = new AdminConnections(parts);
    this.#access = new AdminAccess(address, token, (path) => pageFiles.has(path));
    const limits = {
      IncomingMessage: BodyRequest,
      maxHeaderSize: HEAD_BYTES_MAX,
      ...REQUEST_TIMES,
      // The access rule looks at it.
      requireHostHeader: false,
    };
    const handle = this.#handle.bind(this);
    this.#server = createServer(limits, handle);
    this.#server.on('checkExpectation', handle);
    this.#server.on('clientError', refuseUnreadable);
    this.#server.on('connect', refuseConnect);
    this.#server.on('connection', (socket: Socket) => this.#connections.opened(socket));
    this.#server.timeout = UNREAD_MS;
  }

  /** Resolves once it accepts requests. @throws if the address can't be used */
  async listen(): Promise<void> {
    await listen(this.#server, this.#parts.address, 'ADMIN_LISTEN');
  }

  /** Ends open streams, too. */
  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #handle(request: BodyRequest, response: ServerResponse): void {
    if (!this.#connections.asked(response)) return;
    endAfterUpgrade(request, response);
    const [path = ''] = (request.url ?? '').split('?');
    const refusal = this.#access.refusal(request, path);
    if (refusal !== undefined) {
      write(response, refusal);
      return;
    }
    if (path === '/events') {
      const { events } = this.#parts;
      const refused = isQuestion(request) ? events.open(response) : ONLY_QUESTIONS;
      if (refused !== undefined) write(response, refused);
      return;
    }
    this.#answer(request, response, path).then(
      (reply) => write(response, reply),
      (error: Error) => write(response, replies.unavailable(error.message)),
    );
  }

  async #answer(request: BodyRequest, response: ServerResponse, path: string): Promise<Reply> {
    const { operations } = this.#parts;
    const [, ordered = '', action = ''] = ORDER.exec(path) ?? [];
    if (isAction(action)) {
      if (request.method !== 'POST') return replies.methodNotAllowed('POST');
      if (!isJson(request)) return replies.NOT_JSON;
      const body = await wholeBody(request, response);
      return body === undefined ? replies.TOO_LARGE : operations.order(ordered, action, body);
    }
    const question = this.#questionAt(path, request);
    if (question === undefined) return replies.NOT_FOUND;
    return isQuestion(request) ? question() : ONLY_QUESTIONS;
  }

  /** What answers a question at this path; undefined if nothing is there. */
  #questionAt(path: string, request: BodyRequest): (() => Reply | Promise<Reply>) | undefined {
    const { handlers, metrics, system, pageFiles, operations } = this.#parts;
    const file = pageFiles.get(path);
    if (file !== undefined) return () => file;
    const [, correlationId] = PAYMENT.exec(path) ?? [];
    if (correlationId !== undefined) return () => handlers.payment(correlationId);
    switch (path) {
      case '/metrics':
        return () => replies.text(metrics.text(), CONTENT_TYPE);
      case '/live':
        return () => replies.LIVE;
      case '/ready':
        return () => handlers.ready();
      case '/status':
        return () => handlers.status();
      case '/payments':
        return () => operations.payments(queryOf(request));
      case '/anomalies':
        return () => operations.anomalies(queryOf(request));
      case '/actions':
        return () => operations.actions(queryOf(request));
      case '/snapshot':
        return async () => replies.ok(await system.whole());
      default:
        return undefined;
    }
  }
}

/** HEAD is answered as GET is; node:http leaves out the body. */
function isQuestion({ method }: BodyRequest): boolean {
  return method === 'GET' || method === 'HEAD';
}

const queryOf = ({ url = '' }: BodyRequest): string => url.split('?').slice(1).join('?');

/** undefined if it is too long. Doesn't resolve if the client disconnects before the body ends. */
function wholeBody(request: BodyRequest, response: ServerResponse): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    request.readBody(
      response,
      (_, __, body) => resolve(body),
      () => resolve(undefined),
    );
  });
}

function write(response: ServerResponse, { status, headers, body }: Reply): void {
  response.writeHead(status, [...headers, ...COMMON_HEADERS]);
  response.end(body);
}
