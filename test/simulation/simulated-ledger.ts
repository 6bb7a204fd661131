// The ledger: a PostgreSQL that is away, slow, refuses rows, or commits a statement that its client
// has given up. Recording the same rows again changes nothing, and readers see only committed rows.

import type { Batch } from '../../src/ledger/batch.ts';
import { LedgerFailure, type LedgerConnection } from '../../src/ledger/libpq.ts';
import type { GivenUp, LedgerRow } from '../../src/payment.ts';
import type { LedgerPort } from '../../src/ports.ts';
import type { Dice } from './dice.ts';
import { pageOf } from './simulated-page.ts';
import type { Caller, World } from './world.ts';

const ANSWER_MS = [0.2, 5] as const;
/** Deadlock, disk full, read-only, cancelled, no such table, too many connections. */
const REFUSALS = ['40P01', '53100', '25006', '57014', '42P01', '53300'];
/** A check, a number out of range, what a trigger raised, a view's check, a damaged page. */
const ROW_REFUSALS = ['23514', '22003', 'P0001', '44000', 'XX001'];

type Stepper = Caller & {
  step(): boolean;
  recorded(ids: readonly string[]): void;
  /** From the ledger. */
  readonly isCutOff: boolean;
};

export class SimulatedLedger {
  away = false;
  /** Ids whose rows it refuses for their content until the world heals. */
  readonly refusedRows = new Set<string>();
  readonly #world: World;
  readonly #dice: Dice;
  readonly #rows = new Map<string, LedgerRow>();
  readonly #givenUp = new Map<string, GivenUp>();

  constructor(world: World) {
    this.#world = world;
    this.#dice = world.dice.fork();
  }

  /** The ledger as `caller` sees it, which waits at most `timeoutMs` for an answer. */
  seenBy(caller: Stepper, timeoutMs: number): LedgerPort {
    const { weather } = this.#world;
    return {
      connect: () =>
        new Promise((resolve, reject) => {
          if (!caller.step()) return;
          const hangs = weather.strikes('connectFails');
          caller.later(hangs ? this.#dice.between(0, timeoutMs) : this.#answerMs(), () => {
            if (hangs || this.#isAway(caller)) reject(new LedgerFailure('broken', 'no connection'));
            else resolve(this.#connection(caller, timeoutMs));
          });
        }),
      find: (ids) =>
        this.#read(caller, timeoutMs, () =>
          ids.flatMap((id) => [this.#rows.get(id) ?? [], this.#givenUp.get(id) ?? []].flat()),
        ),
      recordAction: () =>
        this.#read(caller, timeoutMs, () => {
          this.#world.weather.count('operator action');
        }),
      giveUp: (payment) => this.#read(caller, timeoutMs, () => this.#giveUp(payment, caller)),
      recordAnomalies: (anomalies) =>
        this.#read(caller, timeoutMs, () => {
          if (this.#isAway(caller)) return;
          for (const anomaly of anomalies) this.#world.books.reported(anomaly);
        }),
      idsAfter: (wanted) =>
        this.#read(caller, timeoutMs, () =>
          pageOf([...this.#rows.keys(), ...this.#givenUp.keys()], wanted),
        ),
      repairsAfter: () => this.#read(caller, timeoutMs, () => []),
    };
  }

  /** Reads at some moment while the caller waits. */
  #read<T>(caller: Stepper, timeoutMs: number, read: () => T): Promise<T> {
    const { weather, timeline } = this.#world;
    return new Promise((resolve, reject) => {
      if (!caller.step()) return;
      const fails = weather.strikes('findFails');
      const isLate = weather.strikes('findLate');
      const spanMs = isLate ? this.#dice.spread(5, timeoutMs) : this.#answerMs();
      const readAfterMs = this.#dice.between(0, spanMs);
      timeline.in(readAfterMs, () => {
        const seen = read();
        const lost = fails || this.#isAway(caller);
        caller.later(this.#dice.between(0, spanMs - readAfterMs), () => {
          if (lost) reject(new Error('the ledger does not answer'));
          else resolve(seen);
        });
      });
    });
  }

  #connection(caller: Stepper, timeoutMs: number): LedgerConnection {
    let busy = false;
    let closed = false;
    const record = (batch: Batch): Promise<number> =>
      new Promise((resolve, reject) => {
        if (!caller.step()) return;
        if (busy) this.#world.books.fail('two statements at once on a connection');
        if (closed) return reject(new LedgerFailure('broken', 'connection is closed'));
        busy = true;
        this.#run(caller, { rows: rowsOf(batch), timeoutMs }, (result) => {
          busy = false;
          if (typeof result === 'number') {
            caller.recorded(rowsOf(batch).map((row) => row.correlationId));
            return resolve(result);
          }
          if (result.kind === 'broken') closed = true;
          reject(result);
        });
      });
    return {
      record,
      close: () => {
        closed = true;
      },
    };
  }

  #run(
    caller: Stepper,
    { rows, timeoutMs }: { readonly rows: readonly LedgerRow[]; readonly timeoutMs: number },
    done: (result: number | LedgerFailure) => void,
  ): void {
    const { weather } = this.#world;
    const broken = new LedgerFailure('broken', 'no answer');
    const deadline = caller.later(timeoutMs, () => end(broken));
    let over = false;
    const end = (result: number | LedgerFailure): void => {
      if (over) return;
      over = true;
      deadline.cancel();
      done(result);
    };
    const answer = (result: number | LedgerFailure): void => {
      caller.later(this.#answerMs(), () => end(result));
    };
    if (weather.strikes('statementHangs')) {
      // Nobody waits for it any more when it commits, if it does.
      if (this.#dice.chance(0.7))
        this.#world.fly(this.#dice.spread(10, 10_000), () => this.#commit(rows, false));
      return;
    }
    if (weather.strikes('brokenBefore')) return answer(broken);
    this.#world.fly(this.#answerMs(), () => {
      if (this.#isAway(caller)) return answer(broken);
      if (weather.strikes('statementRefused')) {
        return answer(new LedgerFailure('refused', 'not now', this.#dice.pick(REFUSALS)));
      }
      if (rows.some((row) => this.#isPoisoned(row.correlationId))) {
        return answer(new LedgerFailure('refused', 'not this row', this.#dice.pick(ROW_REFUSALS)));
      }
      const inserted = this.#commit(rows, true);
      answer(weather.strikes('brokenAfter') ? broken : inserted);
    });
  }

  /** A committed row is gone. */
  lose(id: string): void {
    this.#rows.delete(id);
  }

  #giveUp(payment: Omit<GivenUp, 'givenUpAtMs'>, caller: Stepper): 'given up' | 'settled' {
    const { correlationId, mayBeCharged } = payment;
    if (this.#rows.has(correlationId)) return 'settled';
    if (this.#isAway(caller) || this.#givenUp.has(correlationId)) return 'given up';
    const { books, weather } = this.#world;
    weather.count('given up');
    this.#givenUp.set(correlationId, { ...payment, givenUpAtMs: 0 });
    books.givenUp(books.of(correlationId), mayBeCharged);
    return 'given up';
  }

  #isAway(caller: Stepper): boolean {
    return this.away || caller.isCutOff;
  }

  #isPoisoned(id: string): boolean {
    return !this.#world.weather.healed && this.refusedRows.has(id);
  }

  /** How many rows were inserted: the ids of the others had one before. */
  #commit(rows: readonly LedgerRow[], isAwaited: boolean): number {
    const { books, weather } = this.#world;
    let inserted = 0;
    for (const row of rows) {
      if (!this.#rows.has(row.correlationId) && weather.strikes('foreignRow')) {
        const foreign = this.#otherThan(row);
        this.#rows.set(row.correlationId, foreign);
        books.recordedByOthers(foreign, isAwaited);
      }
      books.committed(row);
      if (this.#rows.has(row.correlationId)) continue;
      this.#rows.set(row.correlationId, row);
      inserted++;
    }
    return inserted;
  }

  /** What somebody else recorded under this id. */
  #otherThan(row: LedgerRow): LedgerRow {
    const processor = row.processor === 0 ? 1 : 0;
    const amountCents = row.amountCents + this.#dice.whole(1, 1_000);
    return this.#dice.pick([
      { ...row, processor },
      { ...row, amountCents },
      { ...row, processor, amountCents },
    ]);
  }

  #answerMs(): number {
    return this.#dice.between(...ANSWER_MS);
  }
}

/** Reads what PostgreSQL would read. */
function rowsOf({ processor, rows, ids, amountCents, requestedAtMs }: Batch): LedgerRow[] {
  const cents = elementsOf(amountCents);
  const times = elementsOf(requestedAtMs);
  const read = elementsOf(ids).map((correlationId, n) => ({
    correlationId,
    processor,
    amountCents: Number(cents[n]),
    requestedAtMs: Number(times[n]),
  }));
  if (read.length !== rows) throw new Error('a batch with another number of rows');
  return read;
}

function elementsOf(array: string): string[] {
  return array.slice(1, -1).split(',');
}
