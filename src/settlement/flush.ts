// A flush of the batch writer: a caller waits until everything charged by now is committed.

import type { RowQueue } from './row-queue.ts';

/** Ends when so many rows have left each queue. */
export class Flush {
  /** Resolves with whether that was reached. */
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

  isReached([first, second]: readonly [RowQueue, RowQueue]): boolean {
    const [firstTarget, secondTarget] = this.#targets;
    return first.dropped >= firstTarget && second.dropped >= secondTarget;
  }
}
