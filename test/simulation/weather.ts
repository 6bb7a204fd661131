// Which faults happen in one run, and how often. A run has some kinds of faults and not others,
// from rare to frequent: a mistake that all faults together hide shows when only two of them meet.

import type { Dice } from './dice.ts';

/** The chance of each fault, per call that it can meet, from its rarest to its most frequent. */
const FAULTS = {
  // A charge
  refused: [0.001, 0.2],
  unsent: [0.001, 0.05],
  requestLost: [0.001, 0.2],
  requestLate: [0.001, 0.2],
  answerLost: [0.001, 0.3],
  answerLate: [0.001, 0.3],
  connectionBroken: [0.001, 0.3],
  nonsenseStatus: [0.001, 0.2],
  // A payment: neither processor takes it, whatever it answers
  nobodyTakes: [0.001, 0.2],
  failsAfterInsert: [0.001, 0.3],
  pageInstead: [0.001, 0.1],
  // A lookup
  lookupLost: [0.001, 0.5],
  lookupLate: [0.001, 0.5],
  // A statement
  connectFails: [0.001, 0.5],
  brokenBefore: [0.001, 0.3],
  brokenAfter: [0.001, 0.3],
  statementHangs: [0.001, 0.2],
  statementRefused: [0.001, 0.3],
  rowRefused: [0.001, 0.02],
  foreignRow: [0.0005, 0.02],
  findFails: [0.001, 0.7],
  findLate: [0.001, 0.7],
  // An instance's disk
  writeFails: [0.0001, 0.003],
  syncFails: [0.0001, 0.01],
  syncLate: [0.001, 0.5],
  cellDamaged: [0.01, 0.5],
  filterWriteFails: [0.0005, 0.05],
  filterDamaged: [0.01, 0.5],
  // Between the instances
  offerLost: [0.001, 0.5],
  offerLate: [0.001, 0.3],
  offerAnswerLost: [0.001, 0.5],
  // A client's way
  clientAnswerLost: [0.001, 0.2],
  wrongInstance: [0.001, 0.5],
} as const satisfies Record<string, readonly [number, number]>;

/** The same where the instances are shards, with journals in a database. */
const SHARD_FAULTS = {
  shardConnectFails: [0.001, 0.5],
  messageLate: [0.0005, 0.05],
  sessionBreaksBefore: [0.0005, 0.05],
  sessionBreaksAfter: [0.0005, 0.05],
  standbyLate: [0.001, 0.2],
  waitCancelled: [0.0005, 0.05],
} as const satisfies Record<string, readonly [number, number]>;

export type Fault = keyof typeof FAULTS | keyof typeof SHARD_FAULTS;

/** Mean of milliseconds between two of each. */
interface ShardWeather {
  readonly stoodStillEveryMs: number;
  readonly cutOffEveryMs: number;
  readonly refusedEveryMs: number;
  readonly failoverEveryMs: number;
  readonly noStandbyEveryMs: number;
  readonly clockStepEveryMs: number;
  readonly forgottenEveryMs: number;
  readonly backedUpEveryMs: number;
}

/** The ledger may not have answered in time. */
const NO_LEDGER = [
  'findFails',
  'findLate',
  'ledger outage',
  'pause',
  'stands still',
  'cut off',
  'failover',
  'database goes back',
];

const NO_SHARDS: ShardWeather = {
  stoodStillEveryMs: Number.POSITIVE_INFINITY,
  cutOffEveryMs: Number.POSITIVE_INFINITY,
  refusedEveryMs: Number.POSITIVE_INFINITY,
  failoverEveryMs: Number.POSITIVE_INFINITY,
  noStandbyEveryMs: Number.POSITIVE_INFINITY,
  clockStepEveryMs: Number.POSITIVE_INFINITY,
  forgottenEveryMs: Number.POSITIVE_INFINITY,
  backedUpEveryMs: Number.POSITIVE_INFINITY,
};

export class Weather {
  /** From when on nothing fails any more, ms of the timeline. */
  healAtMs: number;
  /** Mean of port calls between two crashes of an instance. */
  crashEverySteps: number;
  /** Mean of milliseconds between two of each. */
  readonly stopEveryMs: number;
  readonly pauseEveryMs: number;
  /** Every instance is held up for so long of each so long. */
  readonly heldUp: { readonly forMs: number; readonly everyMs: number };
  readonly clockStepEveryMs: number;
  readonly processorRestartEveryMs: number;
  readonly processorChangeEveryMs: number;
  readonly ledgerOutageEveryMs: number;
  /** A committed row is gone, as after a failover to a copy that was behind. */
  readonly rowLostEveryMs: number;
  /** An operator uses a lever on some payment that is held. */
  readonly operatorEveryMs: number;
  /** Of crashes, with JOURNAL_SYNC=always. */
  readonly powerLossShare: number;
  /** CPU that each instance uses until nothing fails any more, of all that it may use. */
  cpuShare: number;
  healed = false;
  shards: ShardWeather = NO_SHARDS;
  /** How often each thing went wrong. */
  readonly counts = new Map<string, number>();
  readonly #dice: Dice;
  readonly #rates = new Map<Fault, number>();

  constructor(dice: Dice) {
    this.#dice = dice.fork();
    const calmness = dice.pick([0.1, 0.4, 0.7]);
    const every = (low: number, high: number): number =>
      dice.chance(calmness) ? Number.POSITIVE_INFINITY : dice.spread(low, high);
    this.healAtMs = dice.spread(2_000, 60_000);
    for (const [fault, [low, high]] of Object.entries(FAULTS)) {
      this.#rates.set(fault as Fault, dice.chance(calmness) ? 0 : dice.spread(low, high));
    }
    this.crashEverySteps = every(60, 8_000);
    this.stopEveryMs = every(2_000, 30_000);
    this.pauseEveryMs = every(1_000, 30_000);
    this.heldUp = { forMs: dice.spread(5, 100), everyMs: every(100, 1_000) };
    this.clockStepEveryMs = every(200, 30_000);
    this.processorRestartEveryMs = every(2_000, 30_000);
    this.processorChangeEveryMs = dice.spread(500, 20_000);
    this.ledgerOutageEveryMs = every(2_000, 30_000);
    this.rowLostEveryMs = every(50, 5_000);
    this.operatorEveryMs = every(20, 5_000);
    this.powerLossShare = dice.pick([0, 0.5, 1]);
    this.cpuShare = dice.pick([0, 0, 0.6, 0.95]);
  }

  /** The instances are shards. */
  addShards(): void {
    const dice = this.#dice.fork();
    const calmness = dice.pick([0.1, 0.4, 0.7]);
    const every = (low: number, high: number): number =>
      dice.chance(calmness) ? Number.POSITIVE_INFINITY : dice.spread(low, high);
    for (const [fault, [low, high]] of Object.entries(SHARD_FAULTS)) {
      this.#rates.set(fault as Fault, dice.chance(calmness) ? 0 : dice.spread(low, high));
    }
    this.shards = {
      stoodStillEveryMs: every(1_000, 30_000),
      cutOffEveryMs: every(1_000, 30_000),
      refusedEveryMs: every(1_000, 30_000),
      failoverEveryMs: every(3_000, 60_000),
      noStandbyEveryMs: every(1_000, 30_000),
      clockStepEveryMs: every(1_000, 30_000),
      forgottenEveryMs: every(1_000, 30_000),
      backedUpEveryMs: every(20, 1_000),
    };
    // It takes seconds until a shard has moved.
    this.healAtMs += dice.pick([0, 10_000, 30_000]);
  }

  /** Nothing fails. */
  calm(): void {
    for (const fault of this.#rates.keys()) this.#rates.set(fault, 0);
    this.crashEverySteps = Number.POSITIVE_INFINITY;
    this.cpuShare = 0;
  }

  /** Whether this fault happens now. */
  strikes(fault: Fault): boolean {
    if (this.healed || !this.#dice.chance(this.#rates.get(fault) as number)) return false;
    this.count(fault);
    return true;
  }

  /** Whether anything has kept an instance from the ledger, or its answer, so far. */
  get barredLedger(): boolean {
    return NO_LEDGER.some((kind) => this.counts.has(kind));
  }

  count(event: string): void {
    this.counts.set(event, (this.counts.get(event) ?? 0) + 1);
  }
}
