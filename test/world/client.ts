// A plain client: sends what it is given, over TCP or a Unix socket, on kept-alive connections, and
// returns status, headers, body and latency. It repeats nothing.

import { Agent, request, type IncomingHttpHeaders } from 'node:http';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly latencyMs: number;
}

export interface Totals {
  readonly totalRequests: number;
  readonly totalAmount: number;
}

export interface Summary {
  readonly default: Totals;
  readonly fallback: Totals;
}

export interface Call {
  readonly body?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number | undefined;
}

/** Longer than any bound in the system: a test that meets it has found something that hangs. */
const TIMEOUT_MS = 20_000;

export class Client {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  readonly #where: { host: string; port: string } | { socketPath: string };

  /** `address` is http://host:port, or the path of a Unix socket. */
  constructor(address: string) {
    if (address.startsWith('/')) {
      this.#where = { socketPath: address };
    } else {
      const { hostname, port } = new URL(address);
      this.#where = { host: hostname, port };
    }
  }

  /** @throws Error when the connection fails or breaks, or no answer comes in time. */
  send(method: string, path: string, call: Call = {}): Promise<Reply> {
    const startedMs = performance.now();
    const { body, headers = {}, timeoutMs = TIMEOUT_MS } = call;
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    return new Promise((resolve, reject) => {
      const options = { ...this.#where, method, path, agent: this.#agent };
      const outgoing = request({ ...options, headers: { ...type, ...headers } }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const latencyMs = performance.now() - startedMs;
          const status = answer.statusCode as number;
          resolve({ status, headers: answer.headers, body: text, latencyMs });
        });
      });
      const timer = setTimeout(() => {
        outgoing.destroy(new Error(`no answer to ${method} ${path} in ${timeoutMs} ms`));
      }, timeoutMs);
      outgoing.on('error', reject);
      outgoing.on('close', () => clearTimeout(timer));
      outgoing.end(body);
    });
  }

  /** Posts a payment; `amount` is what stands in the JSON, "19.90" for one. */
  pay(correlationId: string, amount: string, timeoutMs = TIMEOUT_MS): Promise<Reply> {
    const body = `{"correlationId":"${correlationId}","amount":${amount}}`;
    return this.send('POST', '/payments', { body, timeoutMs });
  }

  /** @throws Error when the answer isn't 200. */
  async summary(range: { readonly from?: string; readonly to?: string } = {}): Promise<Summary> {
    const search = new URLSearchParams(range).toString();
    const path = `/payments-summary${search === '' ? '' : `?${search}`}`;
    return JSON.parse(bodyOf(await this.send('GET', path))) as Summary;
  }

  close(): void {
    this.#agent.destroy();
  }
}

function bodyOf(reply: Reply): string {
  if (reply.status !== 200) throw new Error(`answered ${reply.status}: ${reply.body}`);
  return reply.body;
}
