// Time and chance, handed to everything that needs them, so that a simulation can replace both.
// Nothing else in src/ calls Date.now, performance.now, setTimeout, setImmediate or Math.random.

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall-clock time, whole milliseconds since the epoch. It may step in either direction. */
  now(): number;
  /** Milliseconds that only ever grow: for durations and deadlines. The origin means nothing. */
  elapsed(): number;
  /** Runs `callback` once, `delayMs` from now (0 or more, rounded up to about a millisecond). */
  after(delayMs: number, callback: () => void): Timer;
  /** Runs `callback` in the next turn of the event loop, after the input that is already there. */
  soon(callback: () => void): void;
  /** A number in [0, 1). */
  random(): number;
  /** CPU time that this process has had, in milliseconds. */
  cpuMs(): number;
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
  cpuMs: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  },
};

/**
 * How long to wait before trying again: doubles from `firstMs` up to `maxMs`; `tries` counts from
 * 0.
 */
export function doublingMs(tries: number, firstMs: number, maxMs: number): number {
  return Math.min(maxMs, firstMs * 2 ** Math.min(tries, 30));
}

/** Resolves `delayMs` from now by this clock. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}

/** Resolves after a whole turn of the event loop: what had arrived before the call was heard, signals too. */
export async function wholeTurn(clock: Clock): Promise<void> {
  await soon(clock);
  // The first one may have come within the turn that was under way.
  await soon(clock);
}

function soon(clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    clock.soon(resolve);
  });
}

const LOOK_EVERY_MS = 5;

/** Whether `holds` came true within `waitMs`. */
export async function becomesTrue(
  clock: Clock,
  waitMs: number,
  holds: () => boolean,
): Promise<boolean> {
  const deadline = clock.elapsed() + waitMs;
  while (!holds()) {
    if (clock.elapsed() >= deadline) return false;
    await sleep(clock, LOOK_EVERY_MS);
  }
  return true;
}
