// The engine: the life of a pipeline. It recovers, runs and stops it, and empties it for a purge (purge.ts).
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
import { becomesTrue } from './clock.ts';
import type { Config } from './config.ts';
import type { Health } from './gateways/processor.ts';
import { ownerOf, type IdWords, type ProcessorIndex } from './payment.ts';
import { Pipeline } from './pipeline.ts';
import type { Ports } from './ports.ts';
import { loadSettled } from './recovery/load-settled.ts';

export class Engine {
  readonly #config: Config;
  readonly #ports: Ports;
  readonly #pipeline: Pipeline;
  /** Counts the loads of settled ids: a later one, or a purge, ends an earlier one. */
  #load = 0;
  #stopped = false;
  /** For a purge. */
  #holdsStill = false;

  constructor(config: Config, ports: Ports) {
    this.#config = config;
    this.#ports = ports;
    this.#pipeline = new Pipeline(config, ports);
  }

  /** Reads the journal, or makes its header. Before the first payment. @throws JournalError */
  recover(isNewJournal: boolean): Recovered {
    const { journal, verifier, instance, instances } = this.#pipeline;
    const place = { instance, instances };
    if (isNewJournal) journal.format(this.#ports.clock.random(), place);
    const recovered = journal.recover(place);
    for (const slot of recovered.slots) verifier.add(slot);
    return recovered;
  }

  start(): void {
    this.#send();
    void this.#loadSettled();
    if (this.#config.JOURNAL_SYNC === 'interval') this.#syncLater();
  }

  /** `id` is only read during the call. */
  admit(id: IdWords, amountCents: number, fromPeer: boolean): Admitted | Promise<Admitted> {
    return this.#pipeline.admission.admit(id, amountCents, fromPeer);
  }

  /** Whether what is charged by now is in the ledger `withinMs` from now; resolves as soon as that is so. */
  flush(withinMs: number): Promise<boolean> {
    return this.#pipeline.writer.flush(withinMs);
  }

  hear(processor: ProcessorIndex, health: Health): void {
    this.#pipeline.routing.hear(processor, health);
    this.#pipeline.crew.wake();
  }

  /**
   * Takes nothing new and finishes what is under way, for `drainMs` at most; the rest stays in the journal. Resolves when that is on the
   * disk, where it is synced at all. @throws when the disk fails
   */
  async stop(drainMs: number): Promise<void> {
    const { intake, crew, verifier, handOvers, reconcilers, writer } = this.#pipeline;
    this.#stopped = true;
    intake.openTo = 'stopping';
    crew.pause();
    verifier.stop();
    for (const handOver of handOvers) handOver.stop();
    const isDone = (): boolean =>
      crew.busy === 0 && reconcilers.pending === 0 && writer.pending === 0;
    await becomesTrue(this.#ports.clock, drainMs, isDone);
    reconcilers.stop();
    writer.close();
    // A machine that is switched off after its services were stopped is no power loss. Without a limit: whoever stops us has one.
    if (this.#config.JOURNAL_SYNC !== 'never') await this.#pipeline.journal.syncNow();
  }

  /** Takes only what other instances hold for this one, and starts no attempt from now on. */
  holdStill(): void {
    if (!this.#stopped) this.#pipeline.intake.openTo = 'peers';
    this.#holdsStill = true;
    this.#pipeline.crew.pause();
  }

  /** Takes nothing at all. */
  freeze(): void {
    if (!this.#stopped) this.#pipeline.intake.openTo = 'purging';
  }

  /** All that is held waits for its next attempt: nothing is under way to a processor, the ledger or another instance. */
  get isStill(): boolean {
    const { ring } = this.#pipeline;
    return ring.slots - ring.free === ring.waiting;
  }

  /** Forgets every payment, and what the ledger had. Only while it is still. Resolves when that is as safe as was asked for. */
  async forget(): Promise<void> {
    if (!this.isStill) throw new Error('payments are under way');
    const { ring, settled, tally, intake } = this.#pipeline;
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

  /** What stands against taking payments, until the next call; while instances disagree no attempt starts either. */
  bar(bar: Bar | undefined): void {
    this.#pipeline.intake.bar = bar;
    if (bar === 'disagreeing') this.#pipeline.crew.pause();
    else this.#send();
  }

  /** Payments that are not settled yet. */
  get held(): number {
    const { ring } = this.#pipeline;
    return ring.slots - ring.free;
  }

  get journalHeader(): Header {
    return this.#pipeline.journal.header;
  }

  /** @throws when the disk fails */
  keepHeader(header: Header): void {
    this.#pipeline.journal.keep(header);
  }

  #send(): void {
    const isBarred = this.#pipeline.intake.bar === 'disagreeing';
    if (!this.#stopped && !this.#holdsStill && !isBarred) this.#pipeline.crew.start();
  }

  status(): Record<string, unknown> {
    const { ring, intake, routing, attempts, reconcilers, verifier, handOvers, writer, tally } =
      this.#pipeline;
    return {
      accepted: intake.accepted,
      queued: ring.waiting,
      inFlight: routing.inFlight,
      aside: attempts.aside,
      held: this.held,
      free: ring.free,
      unknown: reconcilers.pending,
      verifying: verifier.pending,
      foreign: handOvers.reduce((sum, handOver) => sum + handOver.pending, 0),
      unrecorded: writer.pending,
      refused: writer.poisoned,
      ...tally.ofProcessors(),
    };
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
