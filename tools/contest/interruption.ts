// Ctrl-C in the middle of a run: the first one ends the load, the second one the audit too.

/** A Ctrl-C arrives twice, from the terminal and from npm: within this time it counts once. */
const SAME_SIGNAL_MS = 500;

export interface Interruption {
  readonly load: AbortSignal;
  readonly audit: AbortSignal;
}

export function listenForInterruption(): Interruption {
  const [load, audit] = [new AbortController(), new AbortController()];
  let firstMs = Number.POSITIVE_INFINITY;
  const stop = (): void => {
    const nowMs = performance.now();
    if (nowMs - firstMs > SAME_SIGNAL_MS) audit.abort(new Error('interrupted'));
    firstMs = Math.min(firstMs, nowMs);
    load.abort(new Error('interrupted'));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  return { load: load.signal, audit: audit.signal };
}
