// The figures of this instance at one moment, for its own admin server and for those of its peers.

import type { Clock } from '../clock.ts';
import type { Engine } from '../engine.ts';
import type { Membership } from '../membership/membership.ts';
import type { LoopDelay } from '../metrics/loop-delay.ts';
import { PROCESSORS, processorName, type ProcessorIndex } from '../payment.ts';
import { STAGES, type Standings } from '../watch/stages.ts';
import { NO_HISTORY, type History, type HistoryTable } from './history.ts';
import type { Percentiles } from './percentiles.ts';
import { readiness } from './readiness.ts';

export interface OwnSnapshotParts {
  readonly engine: Engine;
  readonly membership: Membership;
  readonly clock: Clock;
  readonly version: string;
}

/** What is measured only while there is an admin server. */
interface Measured {
  readonly history: History;
  readonly loop: LoopDelay;
}

interface StageFigures {
  readonly payments: number;
  readonly oldestMs: number;
}

export interface ProcessorFigures {
  readonly failing: boolean;
  readonly failingForMs: number;
  readonly delayMs: number;
  readonly inFlight: number;
  readonly inFlightMax: number;
  /** Attempts that ended, by outcome, since the start. */
  readonly attempts: Readonly<Record<string, number>>;
  /** Of the attempts of the last minute. */
  readonly attemptMs: Percentiles | null;
}

export interface InstanceFigures {
  readonly instance: number;
  readonly version: string;
  readonly uptimeMs: number;
  readonly ready: boolean;
  /** Why it isn't ready; '' if it is. */
  readonly reason: string;
  readonly degraded: readonly string[];
  readonly membership: string;
  readonly ledgerUp: boolean;
  /** Answers to payments since the start, by kind. */
  readonly answers: Readonly<Record<string, number>>;
  /** Of these, the ones that are no 202. */
  readonly refused: number;
  readonly stages: Readonly<Record<string, StageFigures>>;
  readonly unknown: number;
  readonly recovering: number;
  readonly anomalies: number;
  readonly ring: {
    readonly slots: number;
    readonly used: number;
    readonly fillingUp: boolean;
    /** If it goes on filling as now, and if nothing leaves it. */
    readonly fullInMs: number;
    readonly lastsMs: number;
  };
  /** CPU used in the last second, of what this instance may use: 1 is all of it. */
  readonly cpuShare: number;
  readonly processors: Readonly<Record<string, ProcessorFigures>>;
  /** From acceptance to the ledger's row, of the payments of the last minute. */
  readonly settleMs: Percentiles | null;
  readonly writer: {
    readonly batches: number;
    readonly rows: number;
    readonly waiting: number;
    readonly refused: number;
    /** Why the latest batch failed; '' once a later one is committed. */
    readonly problem: string;
  };
  /** Null where it isn't measured. */
  readonly eventLoopMs: Percentiles | null;
}

export interface InstanceSnapshot {
  readonly figures: InstanceFigures;
  /** Empty where it isn't sampled. */
  readonly history: HistoryTable;
}

const RECENT_S = 60;

export class OwnSnapshot {
  /** Set by the admin server's start; without one nothing is sampled. */
  measured: Measured | undefined;
  readonly #parts: OwnSnapshotParts;
  readonly #startedMs: number;

  constructor(parts: OwnSnapshotParts) {
    this.#parts = parts;
    this.#startedMs = parts.clock.elapsed();
  }

  /** With the history of the last `seconds`. */
  take(seconds: number): InstanceSnapshot {
    const history = this.measured?.history.table(seconds) ?? NO_HISTORY;
    return { figures: this.#figures(), history };
  }

  #figures(): InstanceFigures {
    const { engine, membership, clock, version } = this.#parts;
    const standings = engine.stages.standings(clock.now());
    const { isReady, reason, degraded } = readiness(engine, membership, standings);
    const { admission, reconcilers, recovering, anomalies, sendingRate } = engine;
    const settleMs = this.measured?.history.percentiles('settle', RECENT_S) ?? null;
    return {
      instance: engine.instance,
      version,
      uptimeMs: Math.round(clock.elapsed() - this.#startedMs),
      ready: isReady,
      reason,
      degraded,
      membership: membership.state,
      ledgerUp: membership.ledgerProblem === '',
      answers: admission.answers,
      refused: admission.refused,
      stages: figuresOf(standings),
      unknown: reconcilers.pending,
      recovering: recovering.count,
      anomalies: anomalies.found,
      ring: this.#ring(),
      cpuShare: Math.round(sendingRate.cpuShare * 100) / 100,
      processors: Object.fromEntries(
        PROCESSORS.map((processor) => [processorName(processor), this.#processor(processor)]),
      ),
      settleMs,
      writer: this.#writer(),
      eventLoopMs: this.#eventLoopMs(),
    };
  }

  #ring(): InstanceFigures['ring'] {
    const { ring, watch } = this.#parts.engine;
    const { isFillingUp: fillingUp, fullInS, lastsS } = watch.ringForecast;
    const [fullInMs, lastsMs] = [Math.round(fullInS * 1_000), Math.round(lastsS * 1_000)];
    return { slots: ring.slots, used: ring.used, fillingUp, fullInMs, lastsMs };
  }

  #processor(processor: ProcessorIndex): ProcessorFigures {
    const { routing, attempts } = this.#parts.engine;
    const breaker = routing.breakers[processor];
    const { delayMs, inFlight, inFlightMax } = breaker.view();
    const timed = `attempt ${processorName(processor)}` as const;
    return {
      failing: breaker.troubleForMs > 0,
      failingForMs: Math.round(breaker.troubleForMs),
      delayMs: Math.round(delayMs),
      inFlight,
      inFlightMax,
      attempts: attempts.ended[processor],
      attemptMs: this.measured?.history.percentiles(timed, RECENT_S) ?? null,
    };
  }

  #writer(): InstanceFigures['writer'] {
    const { writer } = this.#parts.engine;
    const { batches, rows, problem } = writer.figures;
    const { pending: waiting, refused } = writer;
    return { batches, rows: rows[0] + rows[1], waiting, refused, problem };
  }

  #eventLoopMs(): Percentiles | null {
    const loop = this.measured?.loop;
    if (loop === undefined) return null;
    const at = (percentile: number): number => Math.round(loop.percentileMs(percentile) * 10) / 10;
    const found = { p50: at(50), p90: at(90), p99: at(99) };
    loop.renew();
    return found;
  }
}

function figuresOf(standings: Standings): Record<string, StageFigures> {
  return Object.fromEntries(
    STAGES.map((stage) => {
      const { payments, oldestMs } = standings[stage];
      return [stage, { payments, oldestMs: Math.round(oldestMs) }];
    }),
  );
}
