// Whether a run can't succeed any more. To go on would only leave a longer backlog to drain.

import { PROMISED } from './judge.ts';

interface Report {
  readonly atMs: number;
  readonly accepted: number;
  readonly refused: number;
  readonly slow: number;
}

/** Charges are looked at a little later than they are due, since looking takes time. */
const LEEWAY_MS = 500;

export class EarlyEnd {
  readonly #slowMax: number;
  readonly #reports: Report[] = [];

  /** `planned`: the payments of the whole run. */
  constructor(planned: number) {
    this.#slowMax = planned / 100;
  }

  /** True once a payment was refused, or more were slow than a p99 allows. */
  onReport(report: Report): boolean {
    this.#reports.push(report);
    return report.refused > 0 || report.slow > this.#slowMax;
  }

  /** True once a payment is not charged that was accepted too long ago. */
  onCharged(charged: number, nowMs: number): boolean {
    const dueMs = nowMs - PROMISED.chargedMs - LEEWAY_MS;
    const due = this.#reports.findLast(({ atMs }) => atMs <= dueMs)?.accepted ?? 0;
    return charged < due;
  }
}
