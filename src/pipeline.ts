// The pipeline of one instance: the stages, and how a payment gets from one to the next.
//
//   admission ─▶ ring ─▶ crew ─▶ attempt ─▶ writer ─▶ forgotten
//       ├─▶ verifier ─▶┘            └─▶ reconcilers ─▶┘
//       └─▶ hand-over (to the instance that owns it)

import { Admission } from './buffer/admission.ts';
import { Intake } from './buffer/intake.ts';
import { Journal } from './buffer/journal.ts';
import { Ring } from './buffer/ring.ts';
import { SettledFilter } from './buffer/settled-filter.ts';
import { SlotQueue } from './buffer/slot-queue.ts';
import { instanceNumber, type Config } from './config.ts';
import { Attempts, chargeOf } from './consumers/attempt.ts';
import { backoffMs } from './consumers/backoff.ts';
import { Crew } from './consumers/crew.ts';
import { HandOver } from './consumers/hand-over.ts';
import { Pace } from './consumers/pace.ts';
import { Reconcilers } from './consumers/reconciler.ts';
import { Contradictions } from './contradictions.ts';
import { Routing } from './gateways/routing.ts';
import { SettledLookup } from './ledger/settled-lookup.ts';
import { BatchWriter } from './ledger/writer.ts';
import { ownerOf, type ProcessorIndex } from './payment.ts';
import type { Ports } from './ports.ts';
import { Recovering } from './recovery/recovering.ts';
import { Verifier } from './recovery/verifier.ts';
import { Tally } from './tally.ts';

export class Pipeline {
  readonly instance: number;
  readonly instances: number;
  readonly tally = new Tally();
  readonly ring: Ring;
  readonly journal: Journal;
  readonly settled: SettledFilter;
  readonly intake: Intake;
  readonly admission: Admission;
  readonly routing: Routing;
  readonly attempts: Attempts;
  readonly crew: Crew;
  readonly reconcilers: Reconcilers;
  readonly handOvers: readonly HandOver[];
  readonly verifier: Verifier;
  readonly writer: BatchWriter;
  readonly contradictions: Contradictions;
  readonly recovering: Recovering;
  readonly #lookup: SettledLookup;
  readonly #config: Config;
  readonly #ports: Ports;

  constructor(config: Config, ports: Ports) {
    this.#config = config;
    this.#ports = ports;
    this.instances = config.PEER_SOCKET_PATHS.length;
    this.instance = instanceNumber(config);
    const seed = Math.floor(ports.clock.random() * 2 ** 32);
    this.ring = new Ring(config.RING_SLOTS, seed);
    this.journal = new Journal(ports.journalFile, this.ring, config.JOURNAL_SYNC);
    this.settled = new SettledFilter(config.SETTLED_FILTER_MIB, seed);
    this.intake = this.#joinIntake();
    this.#lookup = new SettledLookup(ports.ledger.find, ports.clock);
    this.admission = this.#joinAdmission();
    this.routing = new Routing(ports.clock, config);
    this.recovering = new Recovering(ports.clock, ports.log);
    this.contradictions = this.#joinContradictions();
    this.writer = this.#joinWriter();
    this.reconcilers = this.#joinReconcilers();
    this.attempts = this.#joinAttempts();
    this.crew = this.#joinCrew();
    this.handOvers = config.PEER_SOCKET_PATHS.map((_, owner) => this.#joinHandOver(owner));
    this.verifier = this.#joinVerifier();
  }

  #joinIntake(): Intake {
    const { ring, journal, settled, instance, instances } = this;
    const { clock, log } = this.#ports;
    return new Intake({ ring, journal, settled, clock, instance, instances, log });
  }

  #joinAdmission(): Admission {
    return new Admission({
      intake: this.intake,
      instances: this.instances,
      synced: () => this.synced(),
      settledCents: (correlationId) => this.#lookup.cents(correlationId),
      offer: this.#ports.offer,
      onClear: (slot) => this.#enqueue(slot),
      onUnverified: (slot) => this.verifier.add(slot),
      onForeign: (slot) => this.#giveAway(slot),
      hasRoomForForeign: () => this.#hasRoomForForeign(),
    });
  }

  #joinAttempts(): Attempts {
    const { clock, processors, log } = this.#ports;
    const { BACKOFF_FIRST_MS: firstMs, BACKOFF_NEXT_MS: nextMs, POLICY } = this.#config;
    return new Attempts({
      clock,
      ring: this.ring,
      journal: this.journal,
      processors,
      lanes: this.routing.lanes,
      timeoutMs: (processor) => this.routing.timeoutMs(processor),
      // The thrifty choice itself waits for a processor that works.
      backoffMs: (declines) => (POLICY === 'eager' ? backoffMs(declines, { firstMs, nextMs }) : 0),
      onCharged: (slot, processor) => this.writer.add(processor, slot),
      onUnknown: (slot) => this.reconcilers.add(slot),
      enqueue: (slot) => this.#enqueue(slot),
      log,
    });
  }

  #joinCrew(): Crew {
    const { ring, routing, attempts } = this;
    const { clock, onFatal } = this.#ports;
    return new Crew({
      clock,
      consumers: this.#config.CONSUMERS,
      sendsPerTurn: this.#config.SENDS_PER_TURN,
      gatherMs: this.#config.SENDS_GATHER_MS,
      queue: ring,
      pace: new Pace(clock, this.#config.SENDS_PER_S, this.#config.SENDS_GATHER_MS),
      choose: (slot) =>
        routing.choose(ring.declines[slot] as number, ring.waiting, ring.refusals[slot]),
      attempt: (slot, processor) => attempts.run(slot, processor).catch(onFatal),
    });
  }

  #joinReconcilers(): Reconcilers {
    return new Reconcilers({
      clock: this.#ports.clock,
      ring: this.ring,
      reconcilers: this.#config.RECONCILERS,
      processors: this.#ports.processors,
      queues: [new SlotQueue(this.ring.slots), new SlotQueue(this.ring.slots)],
      timeoutMs: (processor) => this.routing.timeoutMs(processor),
      onCharged: (slot, processor) => this.writer.add(processor, slot),
      recovering: this.recovering,
      contradictions: this.contradictions,
    });
  }

  #joinWriter(): BatchWriter {
    const { clock, ledger, log } = this.#ports;
    const processorOf = (slot: number): ProcessorIndex => this.ring.pinOf(slot) as ProcessorIndex;
    return new BatchWriter({
      clock,
      batchRows: this.#config.BATCH_ROWS,
      batchWaitMs: this.#config.BATCH_WAIT_MS,
      batchRowsMax: this.#config.BATCH_ROWS_MAX,
      capacity: this.ring.slots,
      ledger,
      rowOf: (slot) => ({ ...chargeOf(this.ring, slot), processor: processorOf(slot) }),
      onRecorded: (slot) => {
        const cents = this.ring.amountCents[slot] as number;
        this.tally.add(processorOf(slot), cents);
        this.letGo(slot, cents);
      },
      onContradicted: (slot, row) => this.contradictions.recordedBefore(slot, row),
      log,
    });
  }

  #joinContradictions(): Contradictions {
    const { ring, routing, recovering } = this;
    const absentMs = this.#config.TIMEOUT_MAX_MS;
    const letGo = this.letGo.bind(this);
    return new Contradictions({ ports: this.#ports, ring, routing, recovering, absentMs, letGo });
  }

  #joinHandOver(owner: number): HandOver {
    const { clock, offer } = this.#ports;
    return new HandOver({
      clock,
      queue: new SlotQueue(this.ring.slots),
      offer: (slot) => {
        const { correlationId, amountCents } = chargeOf(this.ring, slot);
        return offer(owner, correlationId, amountCents);
      },
      onTaken: (slot) => this.letGo(slot, 'not settled'),
      onConflict: (slot) => this.contradictions.ownedOtherwise(slot),
    });
  }

  #joinVerifier(): Verifier {
    const { clock, ledger } = this.#ports;
    return new Verifier({
      clock,
      queue: new SlotQueue(this.ring.slots),
      idText: (slot) => this.ring.idText(slot),
      find: async (ids) => {
        // What a restart found must be safe before anything is done about it.
        await this.synced();
        return ledger.find(ids);
      },
      onSettled: (slot, row) => this.contradictions.settled(slot, row),
      onUnsettled: (slot) => {
        if (this.ring.pinOf(slot) >= 0) this.reconcilers.add(slot);
        else if (this.#ownerOf(slot) === this.instance) this.#enqueue(slot);
        else this.#giveAway(slot);
      },
    });
  }

  synced(): Promise<void> | undefined {
    return this.journal.synced()?.catch((error: unknown) => {
      this.#ports.onFatal(error);
      throw error;
    });
  }

  #enqueue(slot: number): void {
    this.ring.enqueue(slot);
    this.crew.wake();
  }

  #giveAway(slot: number): void {
    this.handOvers[this.#ownerOf(slot)]?.add(slot);
  }

  /**
   * Half of the slots are for our own payments, which need nobody else to go on: two instances full of each other's payments
   * would wait for each other for ever.
   */
  #hasRoomForForeign(): boolean {
    const foreign = this.handOvers.reduce((sum, handOver) => sum + handOver.pending, 0);
    // Among those that a restart found, too.
    return foreign + this.verifier.pending < Math.floor(this.ring.slots / 2);
  }

  #ownerOf(slot: number): number {
    return ownerOf(this.ring.ids, this.instances, slot * 4);
  }

  /** Frees the slot of a payment that is settled with so many cents, or that is not to be settled here. */
  letGo(slot: number, settledCents: number | 'not settled'): void {
    if (this.contradictions.keeps(slot, settledCents)) return;
    this.recovering.end(slot);
    try {
      if (settledCents === 'not settled') return this.intake.free(slot);
      if (this.#lookup.isAsking) this.#lookup.tell(this.ring.idText(slot), settledCents);
      this.intake.forget(slot);
    } catch (error) {
      this.#ports.onFatal(error);
    }
  }
}
