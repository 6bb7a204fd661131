// A flush of the batch writer: someone waits until what was charged by now is committed.

import type { TokenQueue } from './token-queue.ts';

/** Someone waits until these many rows have left each queue. */
export class Flush {
  /** Whether they have. */
  readonly ended: Promise<boolean>;
  readonly #targets: readonly [number, number];
  #resolve!: (isReached: boolean) => void;

  constructor(targets: readonly [number, number]) {
    this.#targets = targets;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  end(isReached: boolean): void {
    this.#resolve(isReached);
  }

  isReached([first, second]: readonly [TokenQueue, TokenQueue]): boolean {
    const [firstTarget, secondTarget] = this.#targets;
    return first.dropped >= firstTarget && second.dropped >= secondTarget;
  }
}
