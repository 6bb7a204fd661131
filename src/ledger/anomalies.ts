// The anomalies that this instance finds: each is logged at once, and written into the ledger's
// table, for as long as that takes.
//
// A payment's slot is freed only when its anomalies are in the table (`whenKept`): so none is lost
// by a crash, since a restart finds the payment and with it the anomaly again, and those that wait
// have a bound, the slots of the ring. Writing one again adds nothing.

import type { Anomaly } from '../anomaly.ts';
import { doublingMs, sleep, type Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { Outage } from '../outage.ts';

export interface AnomaliesParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Resolves when they are committed. @throws when the ledger can't be written */
  readonly record: (anomalies: readonly Anomaly[]) => Promise<void>;
}

const BATCH = 100;
const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 5_000;

/** Anomalies of one payment that are not in the table yet, and what waits for that. */
interface Waiting {
  count: number;
  onKept: (() => void) | undefined;
}

export class Anomalies {
  /** Since the start. */
  found = 0;
  readonly #parts: AnomaliesParts;
  readonly #queue: Anomaly[] = [];
  readonly #waiting = new Map<string, Waiting>();
  readonly #outage: Outage;
  /**
   * So many are written one by one after a failure: one that the database doesn't take must not
   * hold up the others.
   */
  #alone = 0;
  #running = false;

  constructor(parts: AnomaliesParts) {
    this.#parts = parts;
    const { clock, log } = parts;
    this.#outage = new Outage({
      clock,
      log,
      begins: 'anomalies can not be written',
      ends: 'anomalies are written again',
    });
  }

  /** Those that are not in the table yet. */
  get pending(): number {
    return this.#queue.length;
  }

  report(anomaly: Anomaly): void {
    const { kind, ...details } = anomaly;
    this.#parts.log.error(kind, details);
    this.found++;
    this.#queue.push(anomaly);
    const waiting = this.#waiting.get(anomaly.correlationId);
    if (waiting === undefined) {
      this.#waiting.set(anomaly.correlationId, { count: 1, onKept: undefined });
    } else waiting.count++;
    if (this.#running) return;
    this.#running = true;
    void this.#run();
  }

  /**
   * Whether `run` has to wait for this payment's anomalies; it is called once they are in the
   * table.
   */
  whenKept(correlationId: string, run: () => void): boolean {
    const waiting = this.#waiting.get(correlationId);
    if (waiting === undefined) return false;
    waiting.onKept = run;
    return true;
  }

  async #run(): Promise<void> {
    const { clock, record } = this.#parts;
    while (this.#queue.length > 0) {
      const batch = this.#queue.slice(0, this.#alone > 0 ? 1 : BATCH);
      try {
        await record(batch);
        this.#queue.splice(0, batch.length);
        if (this.#alone > 0) this.#alone--;
        if (this.#alone === 0) this.#outage.works({ waiting: this.#queue.length });
        for (const anomaly of batch) this.#kept(anomaly);
      } catch (error) {
        const { failures } = this.#outage;
        const { message } = error as Error;
        this.#outage.failed(message, { message, waiting: this.#queue.length });
        this.#alone = this.#queue.length;
        this.#queue.push(this.#queue.shift() as Anomaly);
        await sleep(clock, doublingMs(failures, RETRY_FIRST_MS, RETRY_MAX_MS));
      }
    }
    this.#running = false;
  }

  #kept({ correlationId }: Anomaly): void {
    const waiting = this.#waiting.get(correlationId);
    if (waiting === undefined || --waiting.count > 0) return;
    this.#waiting.delete(correlationId);
    waiting.onKept?.();
  }
}
