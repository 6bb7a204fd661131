// The clock: time and random numbers as an argument, so that a simulation can replace both.
// What belongs to an engine calls Date.now, performance.now, setTimeout, setImmediate and
// Math.random nowhere else.

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall-clock time: whole milliseconds since the epoch. It may jump forwards or backwards. */
  now(): number;
  /** Monotonic time in milliseconds, for durations and deadlines. Its origin is arbitrary. */
  elapsed(): number;
  /** Runs `callback` once after `delayMs` (0 or more, rounded up to about a millisecond). */
  after(delayMs: number, callback: () => void): Timer;
  /** Runs `callback` in the next turn of the event loop, after input that has arrived already. */
  soon(callback: () => void): void;
  /** A number in [0, 1). */
  random(): number;
}

class SystemTimer implements Timer {
  readonly #timeout: NodeJS.Timeout;

  constructor(delayMs: number, callback: () => void) {
    this.#timeout = setTimeout(callback, delayMs);
  }

  cancel(): void {
    clearTimeout(this.#timeout);
  }
}

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after: (delayMs, callback) => new SystemTimer(delayMs, callback),
  soon: (callback) => {
    setImmediate(callback);
  },
  random: () => Math.random(),
};

/** The pause before a retry: doubles with each try, from `firstMs` (`tries` 0) up to `maxMs`. */
export function doublingMs(tries: number, firstMs: number, maxMs: number): number {
  return Math.min(maxMs, firstMs * 2 ** Math.min(tries, 30));
}

/** Resolves after `delayMs` on this clock. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}

/**
 * Resolves after a whole turn of the event loop. Input that arrived before the call is handled by
 * then, signals included.
 */
export async function wholeTurn(clock: Clock): Promise<void> {
  await soon(clock);
  // The first one may run in the turn that is already under way.
  await soon(clock);
}

function soon(clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    clock.soon(resolve);
  });
}

const CHECK_EVERY_MS = 5;

/** Resolves with true as soon as `holds()` is true, or with false after `waitMs`. */
export async function becomesTrue(
  clock: Clock,
  waitMs: number,
  holds: () => boolean,
): Promise<boolean> {
  const deadline = clock.elapsed() + waitMs;
  while (!holds()) {
    if (clock.elapsed() >= deadline) return false;
    await sleep(clock, CHECK_EVERY_MS);
  }
  return true;
}
