// One fdatasync for all who wait: while one is under way, everybody who comes shares the next one.

export class GroupSync {
  readonly #file: { sync(): Promise<void> };
  #syncing: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  /** `file.sync` resolves when all that was written before the call is on the disk. */
  constructor(file: { sync(): Promise<void> }) {
    this.#file = file;
  }

  /**
   * Resolves when all that was written before the call is on the disk. Rejects when the disk fails,
   * now or earlier.
   */
  syncNow(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    if (this.#syncing === undefined) return this.#start();
    // One is under way that may have begun before our write: everyone from now on shares the next
    // one.
    this.#next = this.#syncing.then(() => {
      this.#next = undefined;
      return this.#start();
    });
    return this.#next;
  }

  #start(): Promise<void> {
    const sync = this.#file.sync();
    this.#syncing = sync;
    // A failed one stays and fails all that follow: Linux drops the pages it could not write and
    // reports success next time.
    sync.then(
      () => {
        this.#syncing = undefined;
      },
      () => {},
    );
    return sync;
  }
}
