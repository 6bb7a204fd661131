// The life of a pipeline: recovers, runs and stops it, and empties it for a purge (purge.ts).
//
//   made ──recover──▶ recovered ──start──▶ running ──stop──▶ stopped
//                                           │   ▲
//                                   holdStill   takeAgain, sendAgain
//                                           ▼   │
//                                           still, frozen ──forget──▶ empty

import type { Admitted } from './buffer/admission.ts';
import type { Bar } from './buffer/intake.ts';
import type { Recovered } from './buffer/journal.ts';
import type { Header } from './buffer/journal-header.ts';
import { ChargeKeeper } from './charge-keeper.ts';
import { becomesTrue } from './clock.ts';
import type { Config } from './config.ts';
import type { Health } from './gateways/processor.ts';
import { ownerOf, type IdWords, type ProcessorIndex } from './payment.ts';
import { Pipeline } from './pipeline.ts';
import type { Ports } from './ports.ts';
import { loadSettled } from './recovery/load-settled.ts';
import { statusOf } from './status.ts';
import { Watch } from './watch.ts';

/** Why a summary would not have all that is charged. */
export type Unrecorded =
  | 'what a restart found is not known yet'
  | 'not all that is charged is recorded yet'
  | 'the ledger refuses a row of what is charged';

export class Engine {
  readonly #config: Config;
  readonly #ports: Ports;
  readonly #pipeline: Pipeline;
  readonly #watch: Watch;
  readonly #chargeKeeper: ChargeKeeper;
  /** Counts the loads of settled ids: a later one, or a purge, ends an earlier one. */
  #load = 0;
  #stopped = false;
  /** For a purge. */
  #holdsStill = false;

  constructor(config: Config, ports: Ports) {
    this.#config = config;
    this.#ports = ports;
    this.#pipeline = new Pipeline(config, ports);
    this.#watch = new Watch({ ...ports, pipeline: this.#pipeline });
    const { ring, journal, writer } = this.#pipeline;
    this.#chargeKeeper = new ChargeKeeper({ ...ports, ring, journal, writer });
  }

  /** Reads the journal, or makes its header. Before the first payment. @throws JournalError */
  recover(isNewJournal: boolean): Recovered {
    const { journal, verifier, offCourse, ring, recovering, settled } = this.#pipeline;
    const { instance, instances } = this.#pipeline;
    const place = { instance, instances };
    if (isNewJournal) journal.format(this.#ports.clock.random(), place);
    // What was settled last is remembered even if the ledger forgot it meanwhile.
    const recovered = journal.recover(place, (id) => settled.add(id));
    // What an earlier life sent may still arrive at a processor.
    const isDoubtful = recovered.slots.some((slot) => ring.isDoubtful[slot] === 1);
    if (isDoubtful) offCourse.doubts.distrustFor(this.#config.TIMEOUT_MAX_MS);
    for (const slot of recovered.slots) {
      // A processor may have acknowledged it before.
      const isOurs = ownerOf(ring.ids, instances, slot * 4) === instance;
      if (ring.pinOf(slot) >= 0 || (ring.isDoubtful[slot] === 1 && isOurs)) recovering.add(slot);
      verifier.add(slot);
    }
    return recovered;
  }

  start(): void {
    this.#send();
    this.#watch.start();
    this.#chargeKeeper.start();
    void this.#loadSettled();
    if (this.#config.JOURNAL_SYNC === 'interval') this.#syncLater();
  }

  /** `id` is only read during the call. */
  admit(id: IdWords, amountCents: number, fromPeer: boolean): Admitted | Promise<Admitted> {
    return this.#pipeline.admission.admit(id, amountCents, fromPeer);
  }

  /**
   * Resolves with undefined as soon as what is charged by now is in the ledger; else `withinMs`
   * from now with the reason why it isn't.
   */
  async flush(withinMs: number): Promise<Unrecorded | undefined> {
    const { writer, recovering } = this.#pipeline;
    const { clock } = this.#ports;
    const endMs = clock.elapsed() + withinMs;
    if (!(await recovering.isOver(withinMs))) return 'what a restart found is not known yet';
    const leftMs = Math.max(0, endMs - clock.elapsed());
    if (!(await writer.flush(leftMs))) return 'not all that is charged is recorded yet';
    if (writer.poisoned > 0) return 'the ledger refuses a row of what is charged';
    return undefined;
  }

  hear(processor: ProcessorIndex, health: Health): void {
    const { routing, offCourse } = this.#pipeline;
    if (routing.hear(processor, health)) offCourse.workingAgain(processor);
    this.#pipeline.crew.wake();
  }

  /**
   * Takes nothing new and finishes what is under way, for `drainMs` at most; the rest stays in the
   * journal. Resolves when that is on the disk, if it is synced at all. @throws when the disk fails
   */
  async stop(drainMs: number): Promise<void> {
    const { intake, crew, offCourse, verifier, handOvers } = this.#pipeline;
    const { contradictions, writer } = this.#pipeline;
    this.#stopped = true;
    intake.openTo = 'stopping';
    crew.pause();
    this.#watch.stop();
    this.#chargeKeeper.stop();
    offCourse.pause();
    verifier.stop();
    contradictions.stop();
    handOvers.stop();
    const isDone = (): boolean =>
      crew.busy + offCourse.setAside.busy + offCourse.unknown === 0 &&
      writer.pending === 0 &&
      contradictions.anomalies.pending === 0;
    await becomesTrue(this.#ports.clock, drainMs, isDone);
    offCourse.stop();
    writer.close();
    // Stopping a machine stops its services first: no power loss. Whoever stops us has a limit.
    await this.onDisk();
  }

  /** Takes only what other instances hold for this one, and starts no attempt from now on. */
  holdStill(): void {
    if (!this.#stopped) this.#pipeline.intake.openTo = 'peers';
    this.#holdsStill = true;
    this.#pause();
  }

  /** Takes nothing at all. */
  freeze(): void {
    if (!this.#stopped) this.#pipeline.intake.openTo = 'purging';
  }

  /** All that is held waits for its next attempt: nothing of it is under way to anywhere. */
  get isStill(): boolean {
    const { ring, offCourse } = this.#pipeline;
    const idle = ring.waiting + offCourse.setAside.waiting;
    return offCourse.isStill && ring.slots - ring.free === idle;
  }

  /** Only while it is still. Forgets all payments; resolves when that is as safe as asked for. */
  async forget(): Promise<void> {
    if (!this.isStill) throw new Error('payments are under way');
    const { ring, offCourse, settled, tally, intake } = this.#pipeline;
    for (const slot of offCourse.setAside.takeAll()) this.#pipeline.letGo(slot, 'not settled');
    for (let slot = ring.dequeue(); slot >= 0; slot = ring.dequeue()) {
      this.#pipeline.letGo(slot, 'not settled');
    }
    tally.clear();
    intake.accepted = 0;
    // Not taken for granted that nothing is settled: what the ledger has is asked of the ledger.
    settled.complete = false;
    settled.clear();
    void this.#loadSettled();
    await this.#pipeline.synced();
  }

  takeAgain(): void {
    if (!this.#stopped) this.#pipeline.intake.openTo = 'all';
  }

  sendAgain(): void {
    this.#holdsStill = false;
    this.#send();
  }

  /** Payments are refused for this reason; while instances disagree no attempt starts either. */
  bar(bar: Bar | undefined): void {
    this.#pipeline.intake.bar = bar;
    if (bar === 'disagreeing') this.#pause();
    else this.#send();
  }

  /** Payments that are not settled yet. */
  get held(): number {
    const { ring } = this.#pipeline;
    return ring.slots - ring.free;
  }

  /** Both processors are asked about what is held and, as far as is known, was never sent. */
  doubtHeld(): void {
    const { ring } = this.#pipeline;
    for (let slot = 0; slot < ring.slots; slot++) {
      if (ring.isLive(slot) && ring.pinOf(slot) < 0) ring.isDoubtful[slot] = 1;
    }
    this.#pipeline.offCourse.doubts.distrustFor(this.#config.TIMEOUT_MAX_MS);
  }

  get journalHeader(): Header {
    return this.#pipeline.journal.header;
  }

  keepHeader(header: Header): void {
    this.#pipeline.journal.keep(header);
  }

  /** Resolves when the journal is on the disk, if it is synced. @throws when the disk fails */
  async onDisk(): Promise<void> {
    if (this.#config.JOURNAL_SYNC !== 'never') await this.#pipeline.journal.syncNow();
  }

  #pause(): void {
    this.#pipeline.crew.pause();
    this.#pipeline.offCourse.setAside.pause();
  }

  #send(): void {
    const isBarred = this.#pipeline.intake.bar === 'disagreeing';
    if (this.#stopped || this.#holdsStill || isBarred) return;
    this.#pipeline.crew.start();
    this.#pipeline.offCourse.setAside.start();
  }

  status(): Record<string, unknown> {
    return statusOf(this.#pipeline);
  }

  async #loadSettled(): Promise<void> {
    const { settled, instance, instances } = this.#pipeline;
    const load = ++this.#load;
    const isComplete = await loadSettled({
      clock: this.#ports.clock,
      idsAfter: this.#ports.ledger.idsAfter,
      add: (id) => {
        if (ownerOf(id, instances) === instance) settled.add(id);
      },
      isWanted: () => this.#load === load && !this.#stopped,
    });
    if (isComplete) settled.complete = true;
  }

  #syncLater(): void {
    const { clock, onFatal } = this.#ports;
    clock.after(this.#config.JOURNAL_SYNC_EVERY_MS, () => {
      if (this.#stopped) return;
      this.#pipeline.journal.syncNow().then(() => this.#syncLater(), onFatal);
    });
  }
}
