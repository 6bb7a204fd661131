// Resolves host names for new connections, with one query per name at a time. The last answer is
// used while a newer one is on its way.

import { lookup, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { Clock } from '../clock.ts';

export type Resolve = (
  name: string,
  done: (error: Error | null, addresses: LookupAddress[]) => void,
) => void;

/** A name is resolved again, when it is needed, this long after the last query or answer. */
const FRESH_MS = 5_000;
/** Connections that wait for a name's first answer; one more gets an error at once. */
const WAITING_MAX = 1_000;

interface Name {
  addresses: readonly LookupAddress[];
  /** Time of the last answer with addresses. */
  answeredAtMs: number;
  /** Time of the last query. */
  askedAtMs: number;
  asking: boolean;
  readonly waiting: ((error: Error | null) => void)[];
}

/**
 * undici would query for each connection. The operating system's resolver (getaddrinfo) has two of
 * libuv's four threads. A name that takes seconds to fail, such as a stopped container's, would
 * fill both, and no connection to the other processor could be made either.
 *
 * cacheable-lookup 7.0.0 is no substitute. It doesn't use an expired answer while a newer one is on
 * its way, or while the name isn't found for a moment. Its waiting callers have no bound, and it
 * doesn't report a changed address.
 */
export class HostNames {
  readonly #clock: Clock;
  readonly #resolve: Resolve;
  readonly #onAnswer: (addresses: readonly string[]) => void;
  readonly #names = new Map<string, Name>();

  /**
   * `resolve` is the operating system's resolver by default. `onAnswer` is called with the
   * addresses of each answer that has some.
   */
  constructor(
    clock: Clock,
    resolve: Resolve = askSystem,
    onAnswer: (addresses: readonly string[]) => void = () => {},
  ) {
    this.#clock = clock;
    this.#resolve = resolve;
    this.#onAnswer = onAnswer;
  }

  /** Resolves the name again if the last query is FRESH_MS old, also while it isn't found. */
  keepFresh(hostname: string): void {
    const name = this.#known(hostname);
    if (this.#clock.elapsed() - name.askedAtMs >= FRESH_MS) this.#renew(hostname, name);
  }

  /** The `lookup` option of `net.connect`. Names come from the settings, so there are few. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    const name = this.#known(hostname);
    if (this.#clock.elapsed() - name.answeredAtMs >= FRESH_MS) this.#renew(hostname, name);
    const answer = (error: Error | null): void => {
      const [first] = name.addresses;
      if (first === undefined) callback(error ?? new Error(`${hostname} has no address`), '');
      else if (options.all === true) callback(null, [...name.addresses]);
      else callback(null, first.address, first.family);
    };
    if (name.addresses.length > 0 || !name.asking) answer(null);
    else if (name.waiting.length < WAITING_MAX) name.waiting.push(answer);
    else answer(new Error(`${hostname} is asked for too often`));
  };

  #known(hostname: string): Name {
    let name = this.#names.get(hostname);
    if (name === undefined) {
      const never = Number.NEGATIVE_INFINITY;
      name = { addresses: [], answeredAtMs: never, askedAtMs: never, asking: false, waiting: [] };
      this.#names.set(hostname, name);
    }
    return name;
  }

  #renew(hostname: string, name: Name): void {
    if (name.asking) return;
    name.asking = true;
    name.askedAtMs = this.#clock.elapsed();
    this.#resolve(hostname, (error, addresses) => {
      name.asking = false;
      // A name that isn't found now may be moving. The old addresses stay in use.
      const isFound = error === null && addresses.length > 0;
      if (isFound) {
        name.addresses = addresses;
        name.answeredAtMs = this.#clock.elapsed();
      }
      for (const answer of name.waiting.splice(0)) answer(error);
      if (isFound) this.#onAnswer(addresses.map(({ address }) => address));
    });
  }
}

function askSystem(name: string, done: Parameters<Resolve>[1]): void {
  lookup(name, { all: true }, (error, addresses) => done(error, addresses ?? []));
}
