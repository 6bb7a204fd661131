// The anomalies that this instance finds: each is logged at once, and written into the ledger's
// table until that succeeds. Writing an anomaly again adds nothing.
//
// A payment's slot is released only when its anomalies are in the table (`whenRecorded`). So a
// crash loses none: the restart finds the payment again, and with it the anomaly. And the slots of
// the ring bound the anomalies that wait.

import type { LedgerPort } from '../ports.ts';
import type { Anomaly } from './anomaly.ts';
import { doublingMs, sleep, type Clock } from '../clock.ts';
import type { Log } from '../log/log.ts';
import { Outage } from '../log/outage.ts';

export interface AnomaliesParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly ledger: Pick<LedgerPort, 'recordAnomalies'>;
}

const BATCH = 100;
const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 5_000;
/** As in the alert rule. */
const RECENT_MS = 600_000;

/** Anomalies of one payment that are not in the table yet. */
interface Waiting {
  count: number;
  onRecorded: (() => void) | undefined;
}

export class Anomalies {
  /** Anomalies found since the start. */
  found = 0;
  readonly #parts: AnomaliesParts;
  readonly #queue: Anomaly[] = [];
  readonly #waiting = new Map<string, Waiting>();
  readonly #outage: Outage;
  /**
   * After a failure this many anomalies are written one by one: an anomaly that the database
   * refuses must not hold up the others.
   */
  #singlesLeft = 0;
  #running = false;
  #latestMs = Number.NEGATIVE_INFINITY;

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

  /** Anomalies that are not in the table yet. */
  get pending(): number {
    return this.#queue.length;
  }

  /** Whether one was found in the last ten minutes. */
  get isRecent(): boolean {
    return this.#parts.clock.elapsed() - this.#latestMs < RECENT_MS;
  }

  /** Logs the anomaly and queues it for the table. */
  report(anomaly: Anomaly): void {
    const { kind, ...details } = anomaly;
    this.#parts.log.error(kind, details);
    this.found++;
    this.#latestMs = this.#parts.clock.elapsed();
    this.#queue.push(anomaly);
    const waiting = this.#waiting.get(anomaly.correlationId);
    if (waiting === undefined) {
      this.#waiting.set(anomaly.correlationId, { count: 1, onRecorded: undefined });
    } else waiting.count++;
    if (this.#running) return;
    this.#running = true;
    void this.#run();
  }

  /**
   * False if the table has all anomalies of this payment. Otherwise true, and `run` is called once
   * the table has them.
   */
  whenRecorded(correlationId: string, run: () => void): boolean {
    const waiting = this.#waiting.get(correlationId);
    if (waiting === undefined) return false;
    waiting.onRecorded = run;
    return true;
  }

  async #run(): Promise<void> {
    const { clock, ledger } = this.#parts;
    while (this.#queue.length > 0) {
      const batch = this.#queue.slice(0, this.#singlesLeft > 0 ? 1 : BATCH);
      try {
        await ledger.recordAnomalies(batch);
        this.#queue.splice(0, batch.length);
        if (this.#singlesLeft > 0) this.#singlesLeft--;
        if (this.#singlesLeft === 0) this.#outage.works({ waiting: this.#queue.length });
        for (const anomaly of batch) this.#recorded(anomaly);
      } catch (error) {
        const { failures } = this.#outage;
        const { message } = error as Error;
        this.#outage.failed(message, { message, waiting: this.#queue.length });
        this.#singlesLeft = this.#queue.length;
        this.#queue.push(this.#queue.shift() as Anomaly);
        await sleep(clock, doublingMs(failures, RETRY_FIRST_MS, RETRY_MAX_MS));
      }
    }
    this.#running = false;
  }

  #recorded({ correlationId }: Anomaly): void {
    const waiting = this.#waiting.get(correlationId);
    if (waiting === undefined || --waiting.count > 0) return;
    this.#waiting.delete(correlationId);
    waiting.onRecorded?.();
  }
}
