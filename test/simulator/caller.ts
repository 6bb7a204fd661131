// Plain HTTP calls that neither follow, retry nor hide anything, and what the tests of the
// simulator send with them.

import { Agent, request, type ClientRequest, type IncomingHttpHeaders } from 'node:http';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Call {
  readonly request: ClientRequest;
  /** Rejects when no whole answer came. */
  readonly reply: Promise<Reply>;
}

/** Nothing here takes as long: a test that meets it has found something that hangs. */
export const TIMEOUT_MS = 15_000;

export class Caller {
  readonly #url: string;
  readonly #agent: Agent;

  constructor(url: string, connectionsMax = Infinity) {
    this.#url = url;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connectionsMax });
  }

  call(method: string, path: string, body = '', headers: Record<string, string> = {}): Call {
    const sent = request(this.#url + path, {
      method,
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      agent: this.#agent,
      timeout: TIMEOUT_MS,
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer to ${method} ${path}`)));
    const reply = new Promise<Reply>((resolve, reject) => {
      sent.on('error', reject);
      sent.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('error', reject);
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        );
      });
    });
    // A test may look at it later, or never.
    reply.catch(() => undefined);
    sent.end(body);
    return { request: sent, reply };
  }

  charge(id: string, amount = '19.90', requestedAt = '2025-07-15T12:34:56.789Z'): Call {
    return this.call(
      'POST',
      '/payments',
      `{"correlationId":"${id}","amount":${amount},"requestedAt":"${requestedAt}"}`,
    );
  }

  lookUp(id: string): Call {
    return this.call('GET', `/payments/${id}`);
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** The id with this number: 1 to 10^12. */
export const idOf = (number: number): string =>
  `00000000-0000-4000-8000-${number.toString().padStart(12, '0')}`;
