// One HTTP request through an undici pool: its deadline, its answer, and whether any byte of it can have left.
//
//   queued ──start──▶ sent ──whole answer──▶ done
//     └─ deadline or no connection: unsent     └─ deadline, break, too long: sent, no answer
//
// The handler has undici 7's older form (onConnect, onHeaders …): around the newer one undici wraps two objects per call and parses
// headers that nobody reads here (7.30 lib/handler/unwrap-handler.js).

import type { Dispatcher } from 'undici';
import type { Clock, Timer } from '../clock.ts';

export interface Answer {
  /** 0 when no whole answer came. */
  readonly status: number;
  /** Its body as it came, a character a byte; without a whole answer, why there is none. */
  readonly text: string;
  /** Names and values in turn, as they came. */
  readonly headers: readonly Buffer[];
  /** Whether a byte of the request can have left. */
  readonly isSent: boolean;
}

/** An answer has some hundred bytes; what is longer is not the processor's. */
export const ANSWER_BYTES_MAX = 16 * 1024;

const NO_HEADERS: readonly Buffer[] = [];

export class HttpCall implements Dispatcher.DispatchHandler {
  readonly answer: Promise<Answer>;
  readonly #deadline: Timer;
  #resolve!: (answer: Answer) => void;
  #abort: ((error?: Error) => void) | undefined;
  #settled = false;
  #status = 0;
  #text = '';
  #headers = NO_HEADERS;

  constructor(clock: Clock, timeoutMs: number) {
    this.answer = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#deadline = clock.after(timeoutMs, () => this.#giveUp('no whole answer in time'));
  }

  onConnect(abort: (error?: Error) => void): void {
    // Given up while still in the pool's queue: said to be unsent, so it must not leave now. Started before: undici 7.30 sends again
    // what was under way on a connection that it closed itself (client-h1.js, UND_ERR_INFO). A throw takes the call out of the
    // queue; an abort would also close the good connection, and a queue of such calls closed them faster than they opened.
    if (this.#settled || this.#abort) throw new Error('not to be sent (again)');
    this.#abort = abort;
  }

  onHeaders(status: number, headers: Buffer[]): boolean {
    this.#status = status;
    this.#headers = headers;
    return true;
  }

  onData(chunk: Buffer): boolean {
    this.#text += chunk.toString('latin1');
    if (this.#text.length > ANSWER_BYTES_MAX) {
      this.#giveUp(`an answer beyond ${ANSWER_BYTES_MAX} bytes`);
    }
    return true;
  }

  onComplete(): void {
    this.#settle({
      status: this.#status,
      text: this.#text,
      headers: this.#headers,
      isSent: true,
    });
  }

  onError(error: NodeJS.ErrnoException): void {
    this.#fail(error.message || (error.code ?? error.name));
  }

  #giveUp(why: string): void {
    this.#fail(why);
    this.#abort?.(new Error('given up'));
  }

  #fail(why: string): void {
    const isSent = this.#abort !== undefined;
    this.#settle({ status: 0, text: why, headers: NO_HEADERS, isSent });
  }

  #settle(answer: Answer): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#deadline.cancel();
    this.#resolve(answer);
  }
}
