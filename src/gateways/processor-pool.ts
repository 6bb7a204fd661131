// The connections to one processor. A name that moves to another address is followed: the pool
// whose connections go to an address that the name no longer has is closed behind its last answer,
// and what comes next goes through a new one. So nothing under way is broken. For that the name is
// asked for again while it is used, every 5 s (host-names.ts).
//
// undici's own means do less: connections with a bounded life (`clientTtl`) are opened anew when
// nothing has moved, and its DNS interceptor holds requests up while a name is asked for, and fails
// them when it isn't found for a moment (undici 7.30).

import { isIP, type Socket } from 'node:net';
import { buildConnector, Pool, type Dispatcher } from 'undici';
import type { Clock } from '../clock.ts';
import { HostNames, type Resolve } from './host-names.ts';
import { readPastContinue } from './informational.ts';

const CONNECT_TIMEOUT_MS = 1_000;
/**
 * Idle sockets go before the processor closes them (Kestrel 130 s, nginx 75 s; Node's 5 s come with
 * a hint, which undici obeys).
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

export class ProcessorPool {
  readonly #parts: ProcessorPoolParts;
  readonly #names: HostNames;
  readonly #hasName: boolean;
  readonly #closing = new Set<Pool>();
  /** The addresses that the pool has connections to, or had. */
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

  /** Ends idle connections at once and calls under way too. */
  async close(): Promise<void> {
    const pools = [this.#pool, ...this.#closing];
    await Promise.all(pools.map((pool) => pool.destroy()));
  }

  #follow(addresses: readonly string[]): void {
    if ([...this.#reached].every((address) => addresses.includes(address))) return;
    const old = this.#pool;
    this.#reached = new Set();
    this.#pool = this.#open(this.#reached);
    this.#closing.add(old);
    // Bounded: each call in it has a deadline.
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
          // undici leaves it out when there is an error.
          const socket = result[1] as Socket | undefined;
          if (socket === undefined) return;
          if (socket.remoteAddress !== undefined) reached.add(socket.remoteAddress);
          readPastContinue(socket);
        });
      },
    });
  }
}
