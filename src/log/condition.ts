// A condition that may last: says when to log it, which is when it begins, once a minute while it
// lasts, and when it ends. Writes no log itself.

const REPEAT_MS = 60_000;

export class Condition {
  #sinceMs: number | undefined;
  #loggedAtMs = 0;

  /**
   * Call this at each check with whether the condition holds. A result asks for a log line that the
   * condition holds, or has ended; `forMs` is how long it has lasted, in whole milliseconds.
   * `nowMs` is monotonic.
   */
  update(holds: boolean, nowMs: number): { readonly forMs: number } | undefined {
    if (this.#sinceMs === undefined) {
      if (!holds) return undefined;
      this.#sinceMs = nowMs;
    } else if (holds && nowMs - this.#loggedAtMs < REPEAT_MS) return undefined;
    this.#loggedAtMs = nowMs;
    const forMs = Math.round(nowMs - this.#sinceMs);
    if (!holds) this.#sinceMs = undefined;
    return { forMs };
  }
}
