// How long to wait before trying again.

export interface BackoffTimes {
  /** Before the first retry, ms. */
  readonly firstMs: number;
  /** Before each later one, ms. */
  readonly nextMs: number;
}

/** After `declines` (1 or more) declined attempts. */
export function backoffMs(declines: number, { firstMs, nextMs }: BackoffTimes): number {
  return declines === 1 ? firstMs : nextMs;
}
