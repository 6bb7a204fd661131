// Host names to addresses for new connections. undici asks for each connection anew, and the operating system's resolver (getaddrinfo)
// has two of libuv's four threads: a name that takes seconds to fail, as a stopped container's may, would fill them, and
// nobody could connect to the other processor either. So there is one question per name at a time, and the last answer serves while a
// newer one is on its way.

import { lookup, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { Clock } from '../clock.ts';

export type Resolve = (
  name: string,
  done: (error: Error | null, addresses: LookupAddress[]) => void,
) => void;
type Told = Parameters<LookupFunction>[2];

/** An address is asked for again after so long, when it is needed. */
const FRESH_MS = 5_000;
/** Connections that wait for a first answer; more get an error at once. */
const WAITING_MAX = 1_000;

interface Name {
  addresses: readonly LookupAddress[];
  /** When it was last answered. */
  answeredAtMs: number;
  /** When it was last asked for. */
  askedAtMs: number;
  asking: boolean;
  readonly waiting: ((error: Error | null) => void)[];
}

export class HostNames {
  readonly #clock: Clock;
  readonly #resolve: Resolve;
  readonly #onAnswer: (addresses: readonly string[]) => void;
  readonly #names = new Map<string, Name>();

  /**
   * `resolve` is the operating system's resolver; tests give another. `onAnswer` is told each
   * answer to a question.
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

  /**
   * Asks for the name again when it wasn't asked for lately; while it isn't found, no more often.
   */
  keepFresh(hostname: string): void {
    const name = this.#known(hostname);
    if (this.#clock.elapsed() - name.askedAtMs >= FRESH_MS) this.#renew(hostname, name);
  }

  /** For `net.connect`. Names come from the settings, so there are few. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    const name = this.#known(hostname);
    if (this.#clock.elapsed() - name.answeredAtMs >= FRESH_MS) this.#renew(hostname, name);
    const answer = (error: Error | null): void => {
      const [first] = name.addresses;
      if (first === undefined) callback(error ?? new Error(`${hostname} has no address`), '');
      else if (options.all === true) tellAll(callback, name.addresses);
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
      // A name that is not known now may have been moved, not lost: the old address goes on being tried.
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

function tellAll(callback: Told, addresses: readonly LookupAddress[]): void {
  callback(null, [...addresses]);
}

function askSystem(name: string, done: Parameters<Resolve>[1]): void {
  lookup(name, { all: true }, (error, addresses) => done(error, addresses ?? []));
}
