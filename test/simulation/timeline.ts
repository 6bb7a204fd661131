// Virtual time: events in the order of their time; between two of them every microtask runs to its
// end.
//
// Each event runs in its own setImmediate, since Node drains all microtasks between two of those.
// They are requested in bundles: 0.4 µs an event instead of 1.5 µs (Node 20).

export interface Planned {
  readonly atMs: number;
  readonly order: number;
  run: (() => void) | undefined;
}

const BUNDLE = 256;

export class Timeline {
  /** Milliseconds since the run began. */
  nowMs = 0;
  events = 0;
  readonly #heap: Planned[] = [];
  #order = 0;

  /** Plans `run`; setting the result's `run` to undefined cancels it. */
  in(delayMs: number, run: () => void): Planned {
    const planned = { atMs: this.nowMs + delayMs, order: this.#order++, run };
    this.#push(planned);
    return planned;
  }

  /**
   * Runs events until `isOver` is true after one, or there are none left. Rejects with what an
   * event throws.
   */
  run(isOver: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      let over = false;
      const step = (): void => {
        if (over) return;
        try {
          over = !this.#runNext() || isOver();
          if (over) resolve();
        } catch (error) {
          over = true;
          reject(error);
        }
      };
      const bundle = (): void => {
        if (over) return;
        for (let n = 0; n < BUNDLE; n++) setImmediate(step);
        setImmediate(bundle);
      };
      bundle();
    });
  }

  #runNext(): boolean {
    for (;;) {
      const planned = this.#pop();
      if (planned === undefined) return false;
      if (planned.run === undefined) continue;
      this.nowMs = planned.atMs;
      this.events++;
      planned.run();
      return true;
    }
  }

  #push(planned: Planned): void {
    const heap = this.#heap;
    let place = heap.length;
    heap.push(planned);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = heap[parent] as Planned;
      if (!isBefore(planned, above)) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = planned;
  }

  #pop(): Planned | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Planned, heap[child] as Planned)) {
        child++;
      }
      if (!isBefore(heap[child] as Planned, last)) break;
      heap[place] = heap[child] as Planned;
      place = child;
    }
    heap[place] = last;
    return first;
  }
}

function isBefore(one: Planned, other: Planned): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}
