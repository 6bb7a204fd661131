// When each payment's row was committed, at next to no cost for the ledger: a few times a second it
// is asked which transactions are over, which reads no table. Each row names the transaction that
// wrote it, so the first answer by which that one is over is an upper bound of its commit's time.

/** PostgreSQL's pg_current_snapshot(), and when its answer was there. */
export interface Snapshot {
  readonly atMs: number;
  /** Every transaction below it is over, unless it is among `running`. */
  readonly next: number;
  readonly running: ReadonlySet<number>;
}

export const SNAPSHOT_QUERY = 'SELECT pg_current_snapshot()';
/** What `xmin` of a row holds of a transaction's number. */
const NUMBERS = 2 ** 32;
const EVERY_MS = 100;

/** `text`: "xmin:xmax:running,running". */
export function snapshotOf(text: string, atMs: number): Snapshot {
  const [, next = '', running = ''] = text.split(':');
  const numbers = running === '' ? [] : running.split(',').map(Number);
  return { atMs, next: Number(next), running: new Set(numbers) };
}

/**
 * The upper bound for the row that the transaction `xmin` wrote; Infinity if no snapshot knows it
 * to be over. `snapshots` in order of time.
 */
export function committedByMs(snapshots: readonly Snapshot[], xmin: number): number {
  let [low, high] = [0, snapshots.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBelow(xmin, (snapshots[middle] as Snapshot).next)) high = middle;
    else low = middle + 1;
  }
  while (isRunning(snapshots[low], xmin)) low++;
  return snapshots[low]?.atMs ?? Infinity;
}

/** Numbers go round: half of them are before a given one. */
function isBelow(xmin: number, next: number): boolean {
  const ahead = (((next - xmin) % NUMBERS) + NUMBERS) % NUMBERS;
  return ahead > 0 && ahead < NUMBERS / 2;
}

const isRunning = (snapshot: Snapshot | undefined, xmin: number): boolean =>
  [...(snapshot?.running ?? [])].some((number) => number % NUMBERS === xmin);

export class CommitWatch {
  readonly snapshots: Snapshot[] = [];
  readonly #ask: (sql: string) => Promise<readonly string[]>;
  #isOver = false;
  #watching: Promise<void> = Promise.resolve();

  constructor(ask: (sql: string) => Promise<readonly string[]>) {
    this.#ask = ask;
  }

  start(): void {
    this.#watching = this.#watch();
    this.#watching.catch(() => {});
  }

  /** Rejects if the ledger failed to answer. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#watching;
  }

  async #watch(): Promise<void> {
    while (!this.#isOver) {
      await this.#look();
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
    await this.#look();
  }

  async #look(): Promise<void> {
    const [text = ''] = await this.#ask(SNAPSHOT_QUERY);
    this.snapshots.push(snapshotOf(text, Date.now()));
  }
}
