// The metrics of an instance. Almost everything is counted by the stages anyway, and read only when
// somebody asks; a payment's own cost are some observations in histograms.

import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { Engine } from '../engine.ts';
import type { Outcome } from '../gateways/outcome.ts';
import type { Membership } from '../membership/membership.ts';
import { PROCESSORS, processorName, type ProcessorIndex } from '../payment.ts';
import { STAGES } from '../watch/stages.ts';
import { buildInfo } from './build-info.ts';
import {
  counter,
  exposition,
  gauge,
  histogram,
  one,
  type Family,
  type HistogramFamily,
  type Sample,
} from './exposition.ts';
import type { LoopDelay } from './loop-delay.ts';
import { ProcessMetrics } from './process-metrics.ts';

export interface MetricsParts {
  readonly config: Config;
  readonly engine: Engine;
  readonly membership: Membership;
  readonly clock: Clock;
  readonly loop: LoopDelay;
}

const each = (value: (processor: ProcessorIndex) => number): Sample[] =>
  PROCESSORS.map((processor) => ({
    labels: { processor: processorName(processor) },
    value: value(processor),
  }));

export class Metrics {
  readonly #parts: MetricsParts;
  readonly #buildInfo: Family;
  readonly #process: ProcessMetrics;

  constructor(parts: MetricsParts) {
    this.#parts = parts;
    this.#buildInfo = buildInfo(parts.config);
    this.#process = new ProcessMetrics(parts.loop, parts.engine.sendingRate);
  }

  /** In Prometheus' text format. */
  text(): string {
    return exposition([
      ...this.#payments(),
      ...this.#attempts(),
      ...this.#processors(),
      ...this.#recording(),
      ...this.#memory(),
      ...this.#instance(),
      ...this.#process.families(),
    ]);
  }

  #payments(): Family[] {
    const { engine, clock } = this.#parts;
    const { admission, ring, stages, reconcilers, watch } = engine;
    const { fullInS, lastsS } = watch.ringForecast;
    const standings = stages.standings(clock.now());
    const labelled = (of: 'payments' | 'oldestMs', unit: number): Sample[] =>
      STAGES.map((stage) => ({ labels: { stage }, value: standings[stage][of] / unit }));
    const answers = Object.entries(admission.answers);
    return [
      counter(
        'answers',
        'Answers to payments of clients and peers, by kind.',
        answers.map(([answer, value]) => ({ labels: { answer }, value })),
      ),
      gauge('payments', 'Held payments, by where they stand.', labelled('payments', 1)),
      gauge(
        'oldest_payment_seconds',
        'Age of the oldest held payment, by where it stands.',
        labelled('oldestMs', 1_000),
      ),
      gauge(
        'unknown_payments',
        'Payments at a processor whose outcome is unknown.',
        one(reconcilers.pending),
      ),
      gauge('ring_slots', 'Slots of the ring.', one(ring.slots)),
      gauge('ring_slots_used', 'Slots of the ring that hold a payment.', one(ring.used)),
      gauge('ring_full_in_seconds', 'Until the ring is full, as it fills now.', one(fullInS)),
      gauge('ring_lasts_seconds', 'Until it is full, if nothing leaves it.', one(lastsS)),
    ];
  }

  #attempts(): (Family | HistogramFamily)[] {
    const { ended, durations } = this.#parts.engine.attempts;
    const samples = PROCESSORS.flatMap((processor) =>
      (Object.entries(ended[processor]) as [Outcome, number][]).map(([outcome, value]) => ({
        labels: { processor: processorName(processor), outcome },
        value,
      })),
    );
    return [
      counter('attempts', 'Attempts that ended, by processor and outcome.', samples),
      histogram(
        'attempt_duration_seconds',
        'How long attempts took, by processor.',
        PROCESSORS.map((processor) => ({
          labels: { processor: processorName(processor) },
          histogram: durations[processor],
        })),
      ),
    ];
  }

  #processors(): Family[] {
    const { routing, watch } = this.#parts.engine;
    const viewOf = (processor: ProcessorIndex) => routing.breakers[processor].view();
    return [
      gauge(
        'circuit_breaker_open',
        '1 while payments go elsewhere or wait, and probes alone go to the processor.',
        each((processor) => Number(routing.breakers[processor].isFailing)),
      ),
      gauge(
        'processor_failing_seconds',
        'For how long the processor has been failing.',
        each((processor) => routing.breakers[processor].troubleForMs / 1_000),
      ),
      gauge(
        'attempts_in_flight',
        'Attempts under way.',
        each((processor) => routing.breakers[processor].inFlight),
      ),
      gauge(
        'attempts_in_flight_limit',
        'Attempts that may be under way now.',
        each((processor) => viewOf(processor).inFlightMax),
      ),
      gauge(
        'processor_delay_seconds',
        'Expected delay of an attempt.',
        each((processor) => viewOf(processor).delayMs / 1_000),
      ),
      gauge(
        'processor_refuses',
        '1 while the processor refuses payments and charges none.',
        each((processor) => Number(watch.refusingProcessors[processor].isRefusing)),
      ),
      gauge(
        'processor_slow',
        '1 while the processor works and takes a second or longer.',
        each((processor) => Number(watch.slowProcessors[processor].isSlow)),
      ),
    ];
  }

  #recording(): (Family | HistogramFamily)[] {
    const { writer, held, anomalies, recovering } = this.#parts.engine;
    const { durations, batchRows, rows } = writer.figures;
    return [
      histogram(
        'settle_duration_seconds',
        'From the acceptance of a payment until the ledger has its row.',
        [{ histogram: held.settleDurations }],
      ),
      histogram('batch_duration_seconds', 'How long committed batches took.', [
        { histogram: durations },
      ]),
      histogram('batch_rows', 'Rows per committed batch.', [{ histogram: batchRows }]),
      counter(
        'rows_recorded',
        'Rows of committed batches, by processor.',
        each((processor) => rows[processor]),
      ),
      gauge('rows_refused', 'Charged payments whose row the ledger refuses.', one(writer.refused)),
      gauge(
        'recovering',
        'Payments of an earlier life that are not known yet.',
        one(recovering.count),
      ),
      counter('anomalies', 'Anomalies found.', one(anomalies.found)),
    ];
  }

  #memory(): (Family | HistogramFamily)[] {
    const { journal, filter, held, admission, settledIds, damagedCells } = this.#parts.engine;
    return [
      counter('journal_writes', 'Writes to the journal.', one(journal.writes)),
      counter('journal_syncs', 'Syncs of the journal to the disk.', one(journal.group.syncs)),
      histogram(
        'journal_sync_duration_seconds',
        'How long payments waited for a sync of the journal, or for its commit.',
        [{ histogram: held.safeSoon.durations }],
      ),
      gauge('journal_late', '1 while it takes too long.', one(Number(held.isLate))),
      gauge('journal_one_disk', '1 while no standby has it.', one(Number(admission.isOnOneDisk))),
      gauge(
        'journal_damaged_cells',
        'Damaged cells that the start found in the journal.',
        one(damagedCells),
      ),
      gauge('bloom_filter_ids', 'About how many ids the Bloom filter has.', one(filter.ids)),
      gauge('bloom_filter_bytes', 'Its size.', one(filter.bytes)),
      gauge(
        'bloom_filter_full',
        '1 if it is too full and may not grow.',
        one(Number(filter.isFull)),
      ),
      gauge(
        'bloom_filter_kept',
        '1 while it is in its file, too.',
        one(Number(settledIds.areKept)),
      ),
      gauge('bloom_filter_fill_ratio', 'The part of its bits that is set.', one(filter.fill)),
      gauge('bloom_filter_complete', '1 once it has all ids.', one(Number(filter.complete))),
    ];
  }

  #instance(): Family[] {
    const { engine, membership } = this.#parts;
    const { ledgerProblem, awayPeers } = membership;
    const states = ['pending', 'agreed', 'disagreed'].map((state) => ({
      labels: { state },
      value: Number(membership.state === state),
    }));
    return [
      gauge('ledger_up', '1 while the ledger can be used.', one(Number(ledgerProblem === ''))),
      gauge(
        'ledger_slow',
        '1 while batches take a second or longer.',
        one(Number(engine.watch.slowLedger.isSlow)),
      ),
      gauge(
        'peer_up',
        '1 while the other instance answers this one.',
        awayPeers.answers.map(([peer, answers]) => ({
          labels: { peer: String(peer) },
          value: Number(answers),
        })),
      ),
      gauge('membership', '1 for the state of this instance.', states),
      this.#buildInfo,
    ];
  }
}
