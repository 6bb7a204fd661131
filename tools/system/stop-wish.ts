// The wish to stop a program that runs until it is told to: a signal, or the end of its npm.

/** A Ctrl-C arrives twice, from the terminal and from npm: within this time it counts once. */
const SAME_SIGNAL_MS = 500;
const ORPHANED_EVERY_MS = 1_000;

/** Calls `first` and resolves at the first signal to stop; calls `again` at each later one. */
export function stopWish(first: () => void, again: () => void): Promise<void> {
  let firstMs = Number.POSITIVE_INFINITY;
  return new Promise((resolve) => {
    const wish = (): void => {
      const nowMs = performance.now();
      if (nowMs - firstMs > SAME_SIGNAL_MS) again();
      firstMs = Math.min(firstMs, nowMs);
      first();
      resolve();
    };
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, wish);
    // A killed npm passes no signal on. The end of the parent process shows it.
    const parent = process.ppid;
    if (process.env['npm_lifecycle_event'] === undefined) return;
    const timer = setInterval(() => {
      if (process.ppid === parent) return;
      clearInterval(timer);
      wish();
    }, ORPHANED_EVERY_MS);
    timer.unref();
  });
}
