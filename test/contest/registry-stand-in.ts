// A registry in this process, over real HTTP: it speaks the OCI distribution API with tokens, or
// misbehaves in the way that a test wants.

import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Reply {
  readonly status: number;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: unknown;
}

/** What is answered to "METHOD path"; 'silence' never answers, 'endless' never ends. */
export type Replies = Readonly<Record<string, Reply | 'silence' | 'endless'>>;

export const TOKEN = 'a-token-for-anybody';

export class RegistryStandIn {
  /** "METHOD target" of each request, in order. */
  readonly requests: string[] = [];
  readonly #server: Server;
  readonly #wantsToken: boolean;
  #replies: Replies = {};
  /** Undefined: the usual form. */
  challenge: string | undefined;

  private constructor(wantsToken: boolean) {
    this.#wantsToken = wantsToken;
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async open(wantsToken: boolean): Promise<RegistryStandIn> {
    const registry = new RegistryStandIn(wantsToken);
    registry.#server.listen(0, '127.0.0.1');
    await once(registry.#server, 'listening');
    return registry;
  }

  /** As an image's name has it. */
  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** They come before what the stand-in would answer itself. */
  reply(replies: Replies): void {
    this.#replies = replies;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.requests.push(`${request.method} ${request.url}`);
    const path = (request.url ?? '').split('?')[0];
    const reply = this.#replies[`${request.method} ${path}`] ?? this.#usual(request, path);
    if (reply === 'silence') return;
    if (reply === 'endless') {
      const pour = (): void => {
        while (response.write('x'.repeat(65_536)));
      };
      response.on('drain', pour);
      pour();
      return;
    }
    const { status, headers = {}, body = '' } = reply;
    response.writeHead(status, headers);
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  }

  #usual({ headers, method }: IncomingMessage, path = ''): Reply {
    if (path === '/token') return { status: 200, body: { token: TOKEN } };
    if (this.#wantsToken && headers.authorization !== `Bearer ${TOKEN}`) {
      const scope = 'repository:someone/repasse:pull';
      const usual = `Bearer realm="http://${this.host}/token",service="stand-in",scope="${scope}"`;
      return { status: 401, headers: { 'WWW-Authenticate': this.challenge ?? usual } };
    }
    // HEAD wants what GET would have, without its body: Node leaves that out.
    const found = method === 'HEAD' ? this.#replies[`GET ${path}`] : undefined;
    return typeof found === 'object' ? found : { status: 404, body: { errors: [] } };
  }
}
