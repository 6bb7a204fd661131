// The connections to one processor. They follow a name that moves to another address: new requests
// go through a new pool, and the old pool is closed after its last answer, so no request under way
// is broken. For that the name is resolved every 5 s while it is used (host-names.ts).

import { isIP, type Socket } from 'node:net';
import { buildConnector, Pool, type Dispatcher } from 'undici';
import type { Clock } from '../clock.ts';
import { HostNames, type Resolve } from './host-names.ts';
import { skipContinue } from './informational.ts';

const CONNECT_TIMEOUT_MS = 1_000;
/**
 * Idle connections are closed before the processor closes them (Kestrel after 130 s, nginx after 75
 * s; Node after 5 s, with a Keep-Alive hint that undici obeys).
 */
const KEEP_ALIVE_MS = 60_000;

export interface ProcessorPoolParts {
  readonly origin: string;
  readonly hostname: string;
  readonly connections: number;
  readonly clock: Clock;
  /** The operating system's resolver by default. */
  readonly resolve?: Resolve | undefined;
}

/**
 * undici 7.30 has no substitute. `clientTtl` reopens connections although no name has moved. The
 * DNS interceptor (lib/interceptor/dns.js) makes one query per request while it resolves an expired
 * name, delays those requests, fails them if the name isn't found for a moment, and sends a request
 * again after ETIMEDOUT or ECONNREFUSED.
 */
export class ProcessorPool {
  readonly #parts: ProcessorPoolParts;
  readonly #names: HostNames;
  readonly #hasName: boolean;
  readonly #closing = new Set<Pool>();
  /** The addresses to which `#pool` has connected. */
  #reached = new Set<string>();
  #pool: Pool;

  constructor(parts: ProcessorPoolParts) {
    this.#parts = parts;
    this.#names = new HostNames(parts.clock, parts.resolve, (addresses) => this.#follow(addresses));
    this.#hasName = isIP(parts.hostname) === 0;
    this.#pool = this.#open(this.#reached);
  }

  dispatch(options: Dispatcher.DispatchOptions, call: Dispatcher.DispatchHandler): void {
    if (this.#hasName) this.#names.keepFresh(this.#parts.hostname);
    this.#pool.dispatch(options, call);
  }

  /** Closes all connections at once. Calls under way end without an answer. */
  async close(): Promise<void> {
    const pools = [this.#pool, ...this.#closing];
    await Promise.all(pools.map((pool) => pool.destroy()));
  }

  /** Replaces the pool if it has connected to an address that the name no longer has. */
  #follow(addresses: readonly string[]): void {
    if ([...this.#reached].every((address) => addresses.includes(address))) return;
    const old = this.#pool;
    this.#reached = new Set();
    this.#pool = this.#open(this.#reached);
    this.#closing.add(old);
    // `close` ends, since each call has a deadline.
    const forget = (): boolean => this.#closing.delete(old);
    old.close().then(forget, forget);
  }

  #open(reached: Set<string>): Pool {
    const { origin, connections } = this.#parts;
    const connect = buildConnector({ timeout: CONNECT_TIMEOUT_MS, lookup: this.#names.lookup });
    return new Pool(origin, {
      connections,
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connect: (options, connected) => {
        connect(options, (...result) => {
          connected(...result);
          // undici leaves the socket out if there is an error.
          const socket = result[1] as Socket | undefined;
          if (socket === undefined) return;
          if (socket.remoteAddress !== undefined) reached.add(socket.remoteAddress);
          skipContinue(socket);
        });
      },
    });
  }
}
