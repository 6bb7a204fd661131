// Group commit: one fdatasync for all callers that wait. While one is under way, all new callers
// share the next one.

export class GroupSync {
  /** Since the start. */
  syncs = 0;
  readonly #file: { sync(): Promise<void> };
  #syncing: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  /** `file.sync` resolves when all that was written before the call is on the disk. */
  constructor(file: { sync(): Promise<void> }) {
    this.#file = file;
  }

  /**
   * Resolves when all that was written before the call is on the disk. Rejects if the disk fails or
   * has failed before.
   */
  syncNow(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    if (this.#syncing === undefined) return this.#start();
    // The sync that is under way may have begun before the caller's write.
    this.#next = this.#syncing.then(() => {
      this.#next = undefined;
      return this.#start();
    });
    return this.#next;
  }

  #start(): Promise<void> {
    this.syncs++;
    const sync = this.#file.sync();
    this.#syncing = sync;
    // A failed sync stays and fails all later callers: Linux drops the pages that it could not
    // write, and reports success at the next sync.
    sync.then(
      () => {
        this.#syncing = undefined;
      },
      () => {},
    );
    return sync;
  }
}
