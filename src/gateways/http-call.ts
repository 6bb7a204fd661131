// One HTTP request through an undici pool: its deadline, its answer, and whether any byte of it can have left.
//
//   queued ──start──▶ sent ──whole answer──▶ done
//     └─ deadline or no connection: unsent     └─ deadline or a break: broken
//
// The handler has undici 7's older form (onConnect, onHeaders …): around the newer one undici wraps two objects per call and parses
// headers that nobody reads here (7.30 lib/handler/unwrap-handler.js).

import type { Dispatcher } from 'undici';
import type { Clock, Timer } from '../clock.ts';

/** A whole answer, 'unsent' when no byte of the request left, 'broken' when it left and no whole answer came. */
export type Answer = { readonly status: number; readonly text: string } | 'unsent' | 'broken';

/** An answer has some hundred bytes; what is longer is not the processor's. */
const ANSWER_BYTES_MAX = 16 * 1024;

export class HttpCall implements Dispatcher.DispatchHandler {
  readonly answer: Promise<Answer>;
  readonly #deadline: Timer;
  #resolve!: (answer: Answer) => void;
  #abort: ((error?: Error) => void) | undefined;
  #settled = false;
  #status = 0;
  #text = '';

  constructor(clock: Clock, timeoutMs: number) {
    this.answer = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#deadline = clock.after(timeoutMs, () => this.#giveUp());
  }

  onConnect(abort: (error?: Error) => void): void {
    // Given up while still in the pool's queue: said to be unsent, so it must not leave now. Started before: undici 7.30 sends again
    // what was under way on a connection that it closed itself (client-h1.js, UND_ERR_INFO). A throw takes the call out of the
    // queue; an abort would also close the good connection, and a queue of such calls closed them faster than they opened.
    if (this.#settled || this.#abort) throw new Error('not to be sent (again)');
    this.#abort = abort;
  }

  onHeaders(status: number): boolean {
    this.#status = status;
    return true;
  }

  onData(chunk: Buffer): boolean {
    this.#text += chunk.toString('latin1');
    if (this.#text.length > ANSWER_BYTES_MAX) this.#giveUp();
    return true;
  }

  onComplete(): void {
    this.#settle({ status: this.#status, text: this.#text });
  }

  onError(): void {
    this.#settle(this.#abort === undefined ? 'unsent' : 'broken');
  }

  #giveUp(): void {
    const abort = this.#abort;
    this.#settle(abort === undefined ? 'unsent' : 'broken');
    abort?.(new Error('given up'));
  }

  #settle(answer: Answer): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#deadline.cancel();
    this.#resolve(answer);
  }
}
