// An HTTP server that does what the test says and records every request that it read, on a TCP port
// or a Unix socket.

import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface Seen {
  readonly method: string;
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The payment's, from the body or the path. */
  readonly id: string;
}

/** What the server does with a request; by default nothing. */
export type Behaviour = (socket: Socket, seen: Seen) => void;

const LOOPBACK = { host: '127.0.0.1' };

export class RudeServer {
  readonly seen: Seen[] = [];
  behave: Behaviour = () => {};
  /** With a connection, before it has read anything. */
  welcome: (socket: Socket) => void = () => {};
  accepted = 0;
  openMost = 0;
  readonly #open = new Set<Socket>();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((socket) => this.#take(socket));
  }

  /** On a free port of 127.0.0.1, or at the address given, which may be a Unix socket's `path`. */
  static async start(at: string | { host: string; port?: number } = LOOPBACK): Promise<RudeServer> {
    const server = new RudeServer();
    await new Promise<void>((resolve, reject) => {
      server.#server.once('error', reject);
      server.#server.listen(typeof at === 'string' ? { path: at } : { port: 0, ...at }, resolve);
    });
    return server;
  }

  get url(): string {
    const { family, address, port } = this.#server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  get open(): number {
    return this.#open.size;
  }

  /** How many times a payment was read. */
  postsOf(id: string): number {
    return this.seen.filter((seen) => seen.method === 'POST' && seen.id === id).length;
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #take(socket: Socket): void {
    this.accepted++;
    this.#open.add(socket);
    this.openMost = Math.max(this.openMost, this.#open.size);
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => this.#open.delete(socket));
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      for (;;) {
        const length = requestLength(text);
        if (length === undefined || text.length < length) return;
        const seen = parse(text.slice(0, length));
        text = text.slice(length);
        this.seen.push(seen);
        this.behave(socket, seen);
      }
    });
    this.welcome(socket);
  }
}

function requestLength(text: string): number | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end))?.[1] ?? '0';
  return end + 4 + Number(length);
}

function parse(text: string): Seen {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const body = rest.join('\r\n\r\n');
  const [first = '', ...lines] = head.split('\r\n');
  const [method = '', path = ''] = first.split(' ');
  const headers = Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf(':');
      return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
    }),
  );
  const id = /"correlationId":"([^"]*)"/.exec(body)?.[1] ?? path.split('/').at(-1) ?? '';
  return { method, path, headers, body, id };
}

/** A whole answer on a connection that stays open. */
export const answering =
  (status: number, body = '{}', headers = ''): Behaviour =>
  (socket) => {
    socket.write(
      `HTTP/1.1 ${status} Because\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`,
    );
  };

/** These bytes and nothing more; the connection stays open. */
export const saying =
  (bytes: string | Buffer): Behaviour =>
  (socket) => {
    socket.write(bytes);
  };

/** These bytes, and the end of the connection. */
export const endingWith =
  (bytes: string): Behaviour =>
  (socket) => {
    socket.end(bytes);
  };

/** No answer but a reset. */
export const resetting: Behaviour = (socket) => {
  // Node 20 loses the handle of a socket that is reset while it is ending, and then never exits.
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
};
