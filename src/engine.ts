// The engine of one instance: the stages of a payment, made in the order in which they need each
// other, and their life.
//
//   made ──recover──▶ recovered ──start──▶ running ──stop──▶ stopped
//                                           │   ▲
//                                   holdStill   takeAgain, sendAgain
//                                           ▼   │
//                                           still, frozen ──forget──▶ empty

import { BloomFilter } from './buffer/bloom-filter.ts';
import { HeldPayments } from './buffer/held-payments.ts';
import { IntervalSync, syncEveryMs } from './buffer/interval-sync.ts';
import { Journal, type Recovered } from './buffer/journal.ts';
import { Recovering } from './buffer/recovering.ts';
import { Ring } from './buffer/ring.ts';
import { NO_DOUBT, UNPINNED } from './buffer/slot-state.ts';
import { becomesTrue } from './clock.ts';
import { instanceCount, instanceNumber, type Config } from './config/config.ts';
import { Attempts } from './consumers/attempt.ts';
import { Dispatcher } from './consumers/dispatcher.ts';
import { Reconcilers } from './consumers/reconcilers.ts';
import { SendingRate } from './consumers/sending-rate.ts';
import type { Health } from './gateways/processor.ts';
import { Routing } from './gateways/routing.ts';
import { Admission } from './intake/admission.ts';
import type { Bar } from './intake/admitted.ts';
import { HandOvers } from './intake/hand-over.ts';
import { InDoubt } from './intake/in-doubt.ts';
import { SettledIds } from './intake/settled-ids.ts';
import { Verifier } from './intake/verifier.ts';
import { Anomalies } from './ledger/anomalies.ts';
import { SettledLookup } from './ledger/settled-lookup.ts';
import type { ProcessorIndex } from './payment.ts';
import type { Ports } from './ports.ts';
import { BatchWriter } from './settlement/batch-writer.ts';
import { ChargeKeeper } from './settlement/charge-keeper.ts';
import { Contradictions } from './settlement/contradictions.ts';
import { GivingUp } from './settlement/giving-up.ts';
import { unrecorded, type Unrecorded } from './settlement/unrecorded.ts';
import { Stages } from './watch/stages.ts';
import { Watch } from './watch/watch.ts';

export class Engine {
  readonly instance: number;
  readonly instances: number;
  readonly ring: Ring;
  readonly journal: Journal;
  readonly filter: BloomFilter;
  readonly held: HeldPayments;
  readonly recovering: Recovering;
  readonly anomalies: Anomalies;
  readonly contradictions: Contradictions;
  readonly givingUp: GivingUp;
  readonly writer: BatchWriter;
  readonly routing: Routing;
  readonly reconcilers: Reconcilers;
  readonly attempts: Attempts;
  readonly sendingRate: SendingRate;
  readonly dispatcher: Dispatcher;
  readonly inDoubt: InDoubt;
  readonly handOvers: HandOvers;
  readonly verifier: Verifier;
  readonly admission: Admission;
  readonly settledIds: SettledIds;
  readonly stages: Stages;
  readonly watch: Watch;
  /** Cells of the journal that the start found damaged. */
  damagedCells = 0;
  readonly #ports: Ports;
  readonly #chargeKeeper: ChargeKeeper;
  readonly #intervalSync: IntervalSync;
  #stopped = false;
  /** For a purge. */
  #holdsStill = false;

  constructor(config: Config, ports: Ports) {
    this.#ports = ports;
    this.instance = instanceNumber(config);
    this.instances = instanceCount(config);
    const seed = Math.floor(ports.clock.random() * 2 ** 32);
    this.ring = new Ring(config.RING_SLOTS, seed);
    this.journal = new Journal(ports.journalFile, this.ring, config.JOURNAL_SYNC);
    this.filter = new BloomFilter(config.BLOOM_FILTER_MIB, seed);
    const lookup = new SettledLookup(ports.ledger, ports.clock);
    this.recovering = new Recovering(ports.clock, ports.log);
    this.anomalies = new Anomalies(ports);
    const { instance, instances, ring, journal, filter, recovering, anomalies } = this;
    const common = { ...ports, config, instance, instances, ring, journal, recovering, anomalies };
    this.held = new HeldPayments({ ...common, settledIds: filter, lookup });
    this.routing = new Routing(ports.clock, config);
    const { held, routing } = this;
    this.contradictions = new Contradictions({ ...common, held, routing });
    this.givingUp = new GivingUp({ ...common, held });
    const { contradictions, givingUp } = this;
    this.writer = new BatchWriter({ ...common, held, contradictions });
    const { writer } = this;
    this.reconcilers = new Reconcilers({ ...common, routing, writer, contradictions });
    const { reconcilers } = this;
    this.sendingRate = new SendingRate(common);
    const sending = { ...common, routing, sendingRate: this.sendingRate };
    this.attempts = new Attempts({ ...sending, writer, reconcilers });
    this.dispatcher = new Dispatcher({ ...sending, attempts: this.attempts });
    const { attempts, dispatcher } = this;
    this.inDoubt = new InDoubt({ ...common, routing, writer, dispatcher, contradictions });
    this.handOvers = new HandOvers({ ...common, held, contradictions });
    const next = { held, writer, reconcilers, dispatcher, contradictions, givingUp };
    const { inDoubt, handOvers } = this;
    this.verifier = new Verifier({ ...common, ...next, inDoubt, handOvers });
    const before = { ...next, filter, inDoubt, handOvers, verifier: this.verifier };
    this.admission = new Admission({ ...common, ...before, settledIds: filter, lookup });
    this.settledIds = new SettledIds({ ...common, filter });
    this.#chargeKeeper = new ChargeKeeper({ ...common, writer });
    this.#intervalSync = new IntervalSync({ ...common, everyMs: syncEveryMs(config) });
    this.stages = new Stages({ ...common, setAside: attempts.setAside });
    this.watch = new Watch({ ...common, ...before, routing, attempts, stages: this.stages });
  }

  /** Reads the journal, or makes its header. Before the first payment. @throws JournalError */
  recover(isNewJournal: boolean): Recovered {
    const { instance, instances, ring, recovering, verifier } = this;
    const place = { instance, instances };
    if (isNewJournal) this.journal.format(this.#ports.clock.random(), place);
    this.settledIds.recover();
    // What was settled last is remembered even if the ledger forgot it meanwhile.
    const recovered = this.journal.recover(place, (id) => this.settledIds.add(id));
    this.damagedCells = recovered.damagedCells;
    // What was sent before the restart may still arrive at a processor.
    const isInDoubt = (slot: number): boolean => ring.doubt[slot] !== NO_DOUBT;
    if (recovered.slots.some(isInDoubt)) this.inDoubt.distrustAbsence();
    for (const slot of recovered.slots) {
      // A processor may have acknowledged it before the restart.
      if (ring.pinOf(slot) !== UNPINNED || isInDoubt(slot)) recovering.add(slot);
      verifier.add(slot);
    }
    return recovered;
  }

  start(): void {
    this.#sendOrPause();
    this.watch.start();
    this.#chargeKeeper.start();
    this.settledIds.load();
    this.#intervalSync.start();
  }

  /** Why not all that is charged is in the ledger `withinMs` from now; undefined once all is. */
  flush(withinMs: number): Promise<Unrecorded | undefined> {
    const { recovering, writer } = this;
    return unrecorded({ ...this.#ports, recovering, writer }, withinMs);
  }

  /** The processor reports its health. */
  reported(processor: ProcessorIndex, health: Health): void {
    if (this.routing.reported(processor, health)) this.attempts.workingAgain(processor);
    this.dispatcher.wake();
  }

  /**
   * Takes nothing new and finishes what is under way, for `drainMs` at most; the rest stays in the
   * journal. Resolves when that is on the disk, if it is synced at all. @throws when the disk fails
   */
  async stop(drainMs: number): Promise<void> {
    const { admission, dispatcher, attempts, reconcilers, contradictions, writer } = this;
    this.#stopped = true;
    admission.openTo = 'stopping';
    dispatcher.pause();
    this.watch.stop();
    this.#chargeKeeper.stop();
    this.#intervalSync.stop();
    this.settledIds.stop();
    attempts.setAside.pause();
    this.inDoubt.stop();
    this.verifier.stop();
    contradictions.stop();
    this.givingUp.stop();
    this.handOvers.stop();
    const isDone = (): boolean =>
      dispatcher.busy + attempts.setAside.busy + reconcilers.pending === 0 &&
      writer.pending + this.anomalies.pending === 0;
    await becomesTrue(this.#ports.clock, drainMs, isDone);
    reconcilers.stop();
    writer.close();
    // A machine that is shut down in order stops its services first: no payment needs the sync
    // later.
    await this.journal.onDisk();
  }

  /** For a purge: takes only what other instances hold for this one, and starts no attempt. */
  holdStill(): void {
    if (!this.#stopped) this.admission.openTo = 'peers';
    this.#holdsStill = true;
    this.#sendOrPause();
  }

  /** Takes nothing at all. */
  freeze(): void {
    if (!this.#stopped) this.admission.openTo = 'purging';
  }

  /** Everything that is held waits for its next attempt: nothing is under way. */
  get isStill(): boolean {
    const { ring, attempts, reconcilers } = this;
    const idle = ring.waiting + attempts.setAside.waiting;
    return reconcilers.resending === 0 && ring.used === idle;
  }

  /** Only while it is still. Forgets all payments; resolves when that is as safe as asked for. */
  async forget(): Promise<void> {
    if (!this.isStill) throw new Error('payments are under way');
    const { ring, attempts, held } = this;
    for (const slot of attempts.setAside.takeAll()) held.release(slot, 'not settled');
    for (let slot = ring.dequeue(); slot >= 0; slot = ring.dequeue()) {
      held.release(slot, 'not settled');
    }
    held.accepted = 0;
    this.settledIds.reload();
    await held.synced();
  }

  takeAgain(): void {
    if (!this.#stopped) this.admission.openTo = 'all';
  }

  sendAgain(): void {
    this.#holdsStill = false;
    this.#sendOrPause();
  }

  /** Payments are refused for this reason; while instances disagree no attempt starts either. */
  bar(bar: Bar | undefined, reason = ''): void {
    this.admission.bar = bar;
    this.admission.barReason = reason;
    this.#sendOrPause();
  }

  /** Whether the journal's commits wait for a standby: where they must, nothing goes on without. */
  hasStandby(isThere: boolean): void {
    this.admission.isOnOneDisk = !isThere;
    this.#sendOrPause();
  }

  #sendOrPause(): void {
    const { bar, isUnsafe } = this.admission;
    const isPaused = this.#stopped || this.#holdsStill || bar === 'disagreeing' || isUnsafe;
    for (const sender of [this.dispatcher, this.attempts.setAside]) {
      if (isPaused) sender.pause();
      else sender.start();
    }
  }
}
