// The pipeline of one instance: the stages, and how a payment gets from one to the next.
//
//   admission ─▶ ring ─▶ crew ─▶ attempt ─▶ writer ─▶ forgotten
//       │         ▲        set aside ─▶┘└─▶ reconcilers ─▶┘
//       ├─▶ verifier, doubts ─┘
//       └─▶ hand-over (to the instance that owns it)

import { Admission } from './buffer/admission.ts';
import { Intake } from './buffer/intake.ts';
import { Journal } from './buffer/journal.ts';
import { CHARGED, KEPT, Ring } from './buffer/ring.ts';
import { SettledFilter } from './buffer/settled-filter.ts';
import { SlotQueue } from './buffer/slot-queue.ts';
import { instanceNumber, type Config } from './config.ts';
import { Attempts, chargeOf } from './consumers/attempt.ts';
import { Crew } from './consumers/crew.ts';
import { HandOvers } from './consumers/hand-over.ts';
import { Pace } from './consumers/pace.ts';
import { bringProbeForward } from './consumers/probe.ts';
import { Contradictions } from './contradictions.ts';
import { Routing } from './gateways/routing.ts';
import { SettledLookup } from './ledger/settled-lookup.ts';
import { BatchWriter } from './ledger/writer.ts';
import { OffCourse } from './off-course.ts';
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
  readonly offCourse: OffCourse;
  readonly attempts: Attempts;
  readonly crew: Crew;
  readonly handOvers: HandOvers;
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
    const { ring, journal, settled, instance, instances } = this;
    this.intake = new Intake({ ...ports, ring, journal, settled, instance, instances });
    this.#lookup = new SettledLookup(ports.ledger.find, ports.clock);
    this.admission = this.#joinAdmission();
    this.routing = new Routing(ports.clock, config);
    this.recovering = new Recovering(ports.clock, ports.log);
    this.contradictions = new Contradictions({
      ports,
      ring: this.ring,
      routing: this.routing,
      recovering: this.recovering,
      absentMs: config.TIMEOUT_MAX_MS,
      letGo: (slot, settledCents) => this.letGo(slot, settledCents),
    });
    this.writer = this.#joinWriter();
    this.offCourse = this.#joinOffCourse();
    this.attempts = this.#joinAttempts();
    this.crew = this.#joinCrew();
    this.handOvers = this.#joinHandOvers();
    this.verifier = this.#joinVerifier();
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
      onDoubtful: (slot) => this.offCourse.doubts.add(slot),
      onForeign: (slot) => this.handOvers.add(slot),
      // Among those that a restart found, too.
      hasRoomForForeign: () => this.handOvers.hasRoomBeside(this.verifier.pending),
    });
  }

  #joinAttempts(): Attempts {
    const { ring, journal, routing, offCourse } = this;
    const onCharged = this.#charged.bind(this);
    const config = this.#config;
    return new Attempts({ ...this.#ports, config, ring, journal, routing, offCourse, onCharged });
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
      choose: (slot) => routing.choose(ring.declines[slot] as number, ring.waiting),
      take: (processor) => this.#take(processor),
      attempt: (slot, processor) => attempts.run(slot, processor).catch(onFatal),
    });
  }

  #joinOffCourse(): OffCourse {
    const { ring, routing, recovering, contradictions } = this;
    return new OffCourse({
      config: this.#config,
      ports: this.#ports,
      ring,
      routing,
      recovering,
      contradictions,
      onCharged: (slot, processor) => this.#charged(slot, processor),
      onAbsent: (slot) => this.#enqueue(slot),
      attempt: (slot, processor) => this.attempts.run(slot, processor).catch(this.#ports.onFatal),
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

  #joinHandOvers(): HandOvers {
    const { ring } = this;
    return new HandOvers({
      ...this.#ports,
      ring,
      queues: this.#config.PEER_SOCKET_PATHS.map(() => new SlotQueue(ring.slots)),
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
      onUnsettled: (slot) => this.#resume(slot),
    });
  }

  synced(): Promise<void> | undefined {
    return this.journal.synced()?.catch((error: unknown) => {
      this.#ports.onFatal(error);
      throw error;
    });
  }

  /** Its pin's processor holds the payment in `slot`, with the ring's values. */
  #charged(slot: number, processor: ProcessorIndex): void {
    this.ring.chargeState[slot] = CHARGED;
    this.#record(slot, processor);
  }

  /**
   * The ledger doesn't have the payment in `slot`: it goes on where the journal says that it was.
   */
  #resume(slot: number): void {
    const { ring, offCourse } = this;
    const pin = ring.pinOf(slot);
    if (pin >= 0 && ring.chargeState[slot] === KEPT) this.#record(slot, pin as ProcessorIndex);
    else if (pin >= 0) offCourse.reconcile(slot, 'restart');
    else if (this.#isForeign(slot)) this.handOvers.add(slot);
    else if (ring.isDoubtful[slot] === 1) offCourse.doubts.add(slot);
    else this.#enqueue(slot);
  }

  #record(slot: number, processor: ProcessorIndex): void {
    this.writer.add(processor, slot);
    this.recovering.end(slot);
  }

  /** The next payment for this processor. */
  #take(processor: ProcessorIndex): number {
    const { ring, routing } = this;
    const isProbe = this.#config.POLICY === 'thrifty' && routing.lanes[processor].isFailing;
    if (isProbe) bringProbeForward(ring, this.#ports.clock);
    return ring.dequeue();
  }

  #enqueue(slot: number): void {
    this.recovering.end(slot);
    this.ring.enqueue(slot);
    this.crew.wake();
  }

  #isForeign(slot: number): boolean {
    return ownerOf(this.ring.ids, this.instances, slot * 4) !== this.instance;
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
