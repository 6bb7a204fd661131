// One of the contest's payment processors over HTTP, with its delays, limits and failures, and with
// more faults. It uses little CPU, because it shares the machine with what is measured; its books
// are exact, because audits compare others with them.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../src/clock.ts';
import { AdminHandlers } from './admin-handlers.ts';
import { Answers, reply, replyLimited, whenGone } from './answers.ts';
import { noAttempts } from './attempts.ts';
import { FaultLever } from './faults.ts';
import { ConcurrencyLimiter, HealthWindow } from './limiters.ts';
import { PaymentHandlers, type Settings } from './payment-handlers.ts';
import { Timers, type SimulatorClock } from './timers.ts';
import { ChargeStore } from './charge-store.ts';

export interface SimulatorOptions {
  readonly name: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** At most two decimals: 5 is 5 %. */
  readonly feePercent: number;
  readonly host?: string | undefined;
  readonly token?: string | undefined;
  /** Keeps the payments across restarts; without it they are lost with the process. */
  readonly stateFile?: string | undefined;
  readonly clock?: SimulatorClock;
}

export interface Simulator {
  readonly name: string;
  readonly url: string;
  /** Cuts all connections and drops the calls that sleep or wait. */
  close(): Promise<void>;
}

// The published source: concurrency limiter 800 + 500; service-health one call per 5 s.
const AT_ONCE_MAX = 800;
const QUEUE_MAX = 500;
const HEALTH_WINDOW_MS = 5_000;
/** Kestrel's. */
const KEEP_ALIVE_MS = 130_000;
/** A burst of a thousand new connections must not wait for SYN retries. */
const BACKLOG = 4_096;
const BODY_BYTES_MAX = 64 * 1024;

class ProcessorSimulator {
  readonly server: Server;
  readonly #timers: Timers;
  readonly #charges: ChargeStore;
  readonly #answers: Answers;
  readonly #limiter: ConcurrencyLimiter;
  readonly #health: HealthWindow;
  readonly #settings: Settings;
  readonly #payments: PaymentHandlers;
  readonly #admin: AdminHandlers;

  constructor(options: SimulatorOptions) {
    const { token = '123', clock = systemClock } = options;
    const feeBps = Math.round(options.feePercent * 100);
    const settings: Settings = { token, delayMs: 0, failing: false, attempts: noAttempts() };
    const timers = new Timers(clock);
    const charges = new ChargeStore(options.stateFile, clock);
    const answers = new Answers(timers);
    const faults = new FaultLever();
    const limiter = new ConcurrencyLimiter(AT_ONCE_MAX, QUEUE_MAX);
    const health = new HealthWindow(clock, timers, HEALTH_WINDOW_MS);
    const busy = () => ({
      atOnce: limiter.atOnce,
      queued: limiter.queued,
      healthQueued: health.queued,
    });
    this.#settings = settings;
    this.#timers = timers;
    this.#charges = charges;
    this.#answers = answers;
    this.#limiter = limiter;
    this.#health = health;
    this.#payments = new PaymentHandlers({ settings, charges, limiter, faults, answers, timers });
    this.#admin = new AdminHandlers({ settings, charges, faults, feeBps, busy });
    this.server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0 });
    this.server.on('request', (request, response) => this.#receive(request, response));
  }

  close(): Promise<void> {
    this.#timers.cancelAll();
    this.#limiter.clear();
    return new Promise((resolve) => {
      this.server.close(() => {
        this.#charges.close();
        resolve();
      });
      this.server.closeAllConnections();
    });
  }

  /** Reads the body, nearly always one chunk, and then handles the request. */
  #receive(request: IncomingMessage, response: ServerResponse): void {
    if (this.#answers.resetsOnReuse(request.socket)) return;
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      body += chunk;
      if (body.length > BODY_BYTES_MAX) request.destroy();
    });
    request.on('end', () => this.#route(request, response, body));
  }

  #route(request: IncomingMessage, response: ServerResponse, body: string): void {
    const { method = '', url = '' } = request;
    const queryAt = url.indexOf('?');
    const path = queryAt < 0 ? url : url.slice(0, queryAt);
    if (path === '/payments') {
      if (method === 'POST') this.#payments.charge(response, body);
      else reply(response, 405, '');
    } else if (path.startsWith('/payments/') && method === 'GET') {
      if (path === '/payments/service-health') this.#answerHealth(response);
      else this.#payments.lookUp(response, path.slice('/payments/'.length));
    } else if (path.startsWith('/admin/')) {
      const token = request.headers['x-rinha-token']?.toString();
      const query = queryAt < 0 ? '' : url.slice(queryAt);
      this.#admin.serve({ response, token, route: `${method} ${path}`, query, body });
    } else if (path === '/elsewhere') {
      reply(response, 200, '{"message":"no processor lives here"}');
    } else {
      reply(response, 404, '');
    }
  }

  #answerHealth(response: ServerResponse): void {
    const { attempts } = this.#settings;
    attempts.health.received++;
    const run = (): void => {
      const { failing, delayMs } = this.#settings;
      attempts.health.answered++;
      reply(response, 200, `{"failing":${failing},"minResponseTime":${delayMs}}`);
    };
    if (this.#health.enter(run)) {
      whenGone(response, () => this.#health.withdraw(run));
      return;
    }
    attempts.health.limited++;
    replyLimited(response, HEALTH_WINDOW_MS / 1_000);
  }
}

/** Resolves when it listens; rejects when the port is taken or the state file can't be read. */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const { name, port, host = '127.0.0.1' } = options;
  const simulator = new ProcessorSimulator(options);
  const { server } = simulator;
  try {
    server.listen({ port, host, backlog: BACKLOG });
    await once(server, 'listening');
  } catch (error) {
    await simulator.close();
    throw error;
  }
  const url = `http://${host}:${(server.address() as AddressInfo).port}`;
  return { name, url, close: () => simulator.close() };
}
