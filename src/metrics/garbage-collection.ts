// How often and for how long garbage was collected, by kind, since the start of the count.

import { constants, PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks';

const KINDS: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weak callbacks',
};

export interface Collections {
  count: number;
  durationMs: number;
}

/** Node's types have no detail. */
type CollectionEntry = PerformanceEntry & {
  readonly detail: { readonly kind: number };
};

export class GarbageCollection {
  readonly byKind: ReadonlyMap<string, Collections> = new Map(
    Object.values(KINDS).map((kind) => [kind, { count: 0, durationMs: 0 }]),
  );

  constructor() {
    const observer = new PerformanceObserver((list) => {
      for (const { duration, detail } of list.getEntries() as unknown as CollectionEntry[]) {
        const collections = this.byKind.get(KINDS[detail.kind] ?? '');
        if (collections === undefined) continue;
        collections.count++;
        collections.durationMs += duration;
      }
    });
    observer.observe({ entryTypes: ['gc'] });
  }
}
