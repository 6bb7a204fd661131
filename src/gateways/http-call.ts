// One HTTP request through an undici pool: its deadline, its answer, and whether a byte of it can
// have left. It is never sent twice.
//
//   queued ──start──▶ sent ──whole answer──▶ done
//     └─ deadline or no connection: unsent     └─ deadline, break, too long: sent, no answer

import type { Dispatcher } from 'undici';
import type { Clock, Timer } from '../clock.ts';

export interface Answer {
  /** 0 if no whole answer came. */
  readonly status: number;
  /** The body in latin1, one character a byte; without a whole answer, the reason. */
  readonly text: string;
  /** Names and values in turn, as received. */
  readonly headers: readonly Buffer[];
  /** Whether a byte of the request can have left. */
  readonly isSent: boolean;
}

/** A processor's answer has some hundred bytes; a longer body is not a processor's. */
export const ANSWER_BYTES_MAX = 16 * 1024;

const NO_HEADERS: readonly Buffer[] = [];

/**
 * The handler has undici 7's older form (onConnect, onHeaders …). For the newer form undici makes
 * two more objects per call and parses all headers (7.30 lib/handler/unwrap-handler.js).
 */
export class HttpCall implements Dispatcher.DispatchHandler {
  readonly answer: Promise<Answer>;
  readonly #deadline: Timer;
  readonly #bytesMax: number;
  #resolve!: (answer: Answer) => void;
  #abort: ((error?: Error) => void) | undefined;
  #settled = false;
  #status = 0;
  #text = '';
  #headers = NO_HEADERS;

  /** A longer answer than `bytesMax` counts as none. */
  constructor(clock: Clock, timeoutMs: number, bytesMax = ANSWER_BYTES_MAX) {
    this.#bytesMax = bytesMax;
    this.answer = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#deadline = clock.after(timeoutMs, () => this.#giveUp('no whole answer in time'));
  }

  onConnect(abort: (error?: Error) => void): void {
    // Settled: the deadline passed in the pool's queue and the call was reported as unsent, so it
    // must not leave now. Started before: undici 7.30 resends what was under way on a connection
    // that it closed itself (client-h1.js, UND_ERR_INFO). A throw removes the call from the queue.
    // An abort would also close the good connection; a queue of such calls closed connections
    // faster than they opened.
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
    if (this.#text.length > this.#bytesMax) {
      this.#giveUp(`an answer beyond ${this.#bytesMax} bytes`);
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
