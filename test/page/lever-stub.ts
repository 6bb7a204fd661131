// Stands before an admin server's port: answers the lists and the actions itself, with what a test
// gives it, and passes everything else on.

import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface StubPayment {
  readonly correlationId: string;
  readonly state: string;
  readonly amountCents: number;
  readonly acceptedAt: string;
  readonly instance: number;
  readonly attempts: number;
  readonly processor?: string;
  readonly unknown?: true;
  readonly lastAnswer?: {
    readonly processor: string;
    readonly outcome: string;
    readonly status: number;
  };
}

export interface Action {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Readonly<Record<string, unknown>>;
}

export class LeverStub {
  payments: readonly StubPayment[] = [];
  anomalies: readonly object[] = [];
  actions: readonly object[] = [];
  /** What the next actions are answered. */
  answer: { readonly status: number; readonly body: object } = { status: 200, body: {} };
  readonly received: Action[] = [];
  /** Streams of events so far, and those that are open. */
  streams = 0;
  readonly #open = new Set<ServerResponse>();
  readonly #port: number;
  readonly #server = createServer((incoming, response) => this.#handle(incoming, response));

  constructor(port: number) {
    this.#port = port;
  }

  /** Its address. */
  async listen(port = 0): Promise<string> {
    await new Promise<void>((resolve) => {
      this.#server.listen(port, '127.0.0.1', resolve);
    });
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** In order, as the server does after a minute. */
  endStreams(): void {
    for (const response of this.#open) response.end();
  }

  #handle(incoming: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(`http://stub${incoming.url}`);
    if (incoming.method === 'POST') {
      this.#act(incoming, response, pathname);
    } else if (pathname === '/payments') {
      const state = searchParams.get('state');
      const payments = this.payments.filter((one) => state === null || one.state === state);
      const counts: Record<string, number> = {};
      for (const one of this.payments) counts[one.state] = (counts[one.state] ?? 0) + 1;
      send(response, 200, { payments, counts, unreachable: [] });
    } else if (pathname === '/anomalies') send(response, 200, { anomalies: this.anomalies });
    else if (pathname === '/actions') send(response, 200, { actions: this.actions });
    else this.#passOn(incoming, response);
  }

  #act(incoming: IncomingMessage, response: ServerResponse, path: string): void {
    let text = '';
    incoming.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    incoming.on('end', () => {
      const body = JSON.parse(text) as Record<string, unknown>;
      this.received.push({ path, headers: incoming.headers, body });
      send(response, this.answer.status, this.answer.body);
    });
  }

  #passOn({ method, url, headers }: IncomingMessage, response: ServerResponse): void {
    const where = { host: '127.0.0.1', port: this.#port, method, path: url, headers };
    const outgoing = request(where, (answer) => {
      response.writeHead(answer.statusCode as number, answer.headers);
      answer.on('error', () => response.destroy());
      answer.on('data', (chunk) => response.writable && response.write(chunk));
      answer.on('end', () => response.end());
      if (url !== '/events') return;
      this.streams++;
      this.#open.add(response);
      response.on('close', () => this.#open.delete(response));
    });
    outgoing.on('error', () => response.destroy());
    response.on('close', () => outgoing.destroy());
    outgoing.end();
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
