// A TCP proxy in front of a part, for the faults of networks: bytes late, held back or lost,
// connections cut, reset or refused. It counts the connections.

import {
  createConnection,
  createServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Towards the part behind the proxy, or back from it. */
export type Direction = 'requests' | 'answers';

interface Pair {
  readonly client: Socket;
  readonly target: Socket;
}

export class GapProxy {
  /** Connections since the start. */
  accepted = 0;
  /** Each answer's bytes come so much later. */
  answersLateMs = 0;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #pairs = new Set<Pair>();
  readonly #held = new Set<Direction>();
  readonly #lost = new Set<Direction>();
  #server: Server | undefined;
  #port = 0;

  private constructor(host: string, port: number) {
    this.#target = { host, port };
  }

  /** A proxy in front of `targetUrl`, on a port of its own. */
  static async start(targetUrl: string): Promise<GapProxy> {
    const { hostname, port } = new URL(targetUrl);
    const proxy = new GapProxy(hostname, Number(port));
    await proxy.accept();
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  /** `url` with the proxy's address in it. */
  through(url: string): string {
    const changed = new URL(url);
    changed.host = `127.0.0.1:${this.#port}`;
    return changed.href.replace(/\/$/, '');
  }

  /** Bytes wait, none is lost, until `release`. */
  hold(...directions: readonly Direction[]): void {
    for (const direction of either(directions)) this.#held.add(direction);
    for (const pair of this.#pairs) this.#applyHold(pair);
  }

  /** Bytes vanish, until `release`; connections that lost some are cut then. */
  blackHole(...directions: readonly Direction[]): void {
    for (const direction of either(directions)) this.#lost.add(direction);
  }

  /** Ends every hold and black hole. */
  release(): void {
    this.#held.clear();
    if (this.#lost.size > 0) this.cut();
    this.#lost.clear();
    for (const pair of this.#pairs) this.#applyHold(pair);
  }

  /** Closes every connection in good order (FIN), whatever is under way. */
  cut(): void {
    for (const { client, target } of this.#pairs) {
      client.destroy();
      target.destroy();
    }
  }

  /** Breaks every connection with a reset (RST), on both sides. */
  reset(): void {
    for (const { client, target } of this.#pairs) {
      for (const socket of [client, target]) {
        // One that is being ended can't be reset: libuv refuses, and Node's process would wait for
        // its close for ever, at the very end (20.20, TCPWrap::Reset).
        if (socket.writableEnded) socket.destroy();
        else socket.resetAndDestroy();
      }
    }
  }

  /** New connections are refused until `accept`; those that are open stay. */
  async refuse(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    // Its callback waits for the open connections; not listening is at once.
    server?.close();
    await Promise.resolve();
  }

  /** Takes connections (again). */
  async accept(): Promise<void> {
    if (this.#server) return;
    const server = createServer((client) => this.#connect(client));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async close(): Promise<void> {
    await this.refuse();
    this.cut();
  }

  #connect(client: Socket): void {
    this.accepted++;
    const target = createConnection(this.#target);
    const pair = { client, target };
    this.#pairs.add(pair);
    this.#pass(client, target, 'requests');
    this.#pass(target, client, 'answers');
    for (const socket of [client, target]) {
      socket.on('close', () => {
        if (client.destroyed && target.destroyed) this.#pairs.delete(pair);
      });
    }
    this.#applyHold(pair);
  }

  #pass(from: Socket, to: Socket, direction: Direction): void {
    from.setNoDelay(true);
    from.on('error', () => {});
    const late = new Late(() => (direction === 'answers' ? this.answersLateMs : 0));
    from.on('end', () => late.run(() => to.end()));
    from.on('close', (failed) => {
      if (failed) to.destroy();
      else late.run(() => to.end());
    });
    from.on('data', (bytes) => {
      if (this.#lost.has(direction)) return;
      late.run(() => to.write(bytes));
    });
  }

  #applyHold({ client, target }: Pair): void {
    for (const [direction, socket] of [
      ['requests', client],
      ['answers', target],
    ] as const) {
      if (this.#held.has(direction)) socket.pause();
      else socket.resume();
    }
  }
}

/** Runs what it is given later, in order. */
class Late {
  readonly #lateMs: () => number;
  #dueMs = 0;
  #waiting: Promise<void> | undefined;

  constructor(lateMs: () => number) {
    this.#lateMs = lateMs;
  }

  run(step: () => unknown): void {
    const nowMs = performance.now();
    this.#dueMs = Math.max(this.#dueMs, nowMs + this.#lateMs());
    if (this.#waiting === undefined && this.#dueMs <= nowMs) {
      step();
      return;
    }
    const dueMs = this.#dueMs;
    const waiting = (this.#waiting ?? Promise.resolve())
      .then(() => sleep(Math.max(0, dueMs - performance.now())))
      .then(() => {
        if (this.#waiting === waiting) this.#waiting = undefined;
        step();
      });
    this.#waiting = waiting;
  }
}

const either = (directions: readonly Direction[]): readonly Direction[] =>
  directions.length > 0 ? directions : ['requests', 'answers'];
