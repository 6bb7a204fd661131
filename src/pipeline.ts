// The pipeline of one instance: the stages, and how a payment gets from one to the next.
//
//   admission ─▶ ring ─▶ crew ─▶ attempt ─▶ writer ─▶ forgotten
//       │         ▲        set aside ─▶┘└─▶ reconcilers ─▶┘
//       ├─▶ verifier, doubts ─┘
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

/** A payment that failed so often while others got through is set aside (thrifty). */
const FAILURES_MAX = 2;

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
    this.offCourse = this.#joinOffCourse();
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
      onDoubtful: (slot) => this.offCourse.doubts.add(slot),
      onForeign: (slot) => this.#giveAway(slot),
      hasRoomForForeign: () => this.#hasRoomForForeign(),
    });
  }

  #joinAttempts(): Attempts {
    const { clock, processors, log } = this.#ports;
    const { BACKOFF_FIRST_MS: firstMs, BACKOFF_NEXT_MS: nextMs, POLICY, RETRIES } = this.#config;
    return new Attempts({
      clock,
      ring: this.ring,
      journal: this.journal,
      processors,
      lanes: this.routing.lanes,
      setAside: this.offCourse.setAside,
      // Under eager a payment is offered to both processors, with all retries, before that.
      failuresMax: POLICY === 'eager' ? 2 * (RETRIES + 1) : FAILURES_MAX,
      timeoutMs: (processor) => this.routing.timeoutMs(processor),
      // The thrifty choice itself waits for a processor that works.
      backoffMs: (declines) => (POLICY === 'eager' ? backoffMs(declines, { firstMs, nextMs }) : 0),
      onCharged: (slot, processor) => this.#charged(slot, processor),
      onUnknown: (slot, isDuplicate) => this.offCourse.reconcile(slot, isDuplicate),
      onWorkingAgain: (processor) => this.offCourse.workingAgain(processor),
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

  #joinContradictions(): Contradictions {
    const { ring, routing, recovering } = this;
    const absentMs = this.#config.TIMEOUT_MAX_MS;
    const letGo = this.letGo.bind(this);
    return new Contradictions({ ports: this.#ports, ring, routing, recovering, absentMs, letGo });
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
    try {
      this.journal.charged(slot);
    } catch (error) {
      this.#ports.onFatal(error);
      return;
    }
    this.#record(slot, processor);
  }

  /** The ledger doesn't have the payment in `slot`: it goes on where the journal says that it was. */
  #resume(slot: number): void {
    const { ring, offCourse } = this;
    const pin = ring.pinOf(slot);
    if (pin >= 0 && ring.isCharged[slot] === 1) this.#record(slot, pin as ProcessorIndex);
    else if (pin >= 0) offCourse.reconcile(slot);
    else if (this.#ownerOf(slot) !== this.instance) this.#giveAway(slot);
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
