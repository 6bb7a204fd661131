// Something that lasts is said when it begins, once a minute, and when it is over.

const AGAIN_MS = 60_000;

export class Lasting {
  #sinceMs: number | undefined;
  #saidAtMs = 0;

  /**
   * At each look, whether it is so. What is to be said now, if anything: that it is so, or that it
   * is over, after `forMs` of whole milliseconds. `nowMs` only ever grows.
   */
  look(isSo: boolean, nowMs: number): { readonly forMs: number } | undefined {
    if (this.#sinceMs === undefined) {
      if (!isSo) return undefined;
      this.#sinceMs = nowMs;
    } else if (isSo && nowMs - this.#saidAtMs < AGAIN_MS) return undefined;
    this.#saidAtMs = nowMs;
    const forMs = Math.round(nowMs - this.#sinceMs);
    if (!isSo) this.#sinceMs = undefined;
    return { forMs };
  }
}
