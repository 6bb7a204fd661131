// The engine: the life of a pipeline. It recovers, runs and stops it, and empties it for a purge (purge.ts).
//
//   made ──recover──▶ recovered ──start──▶ running ──stop──▶ stopped
//                                           │   ▲
//                                   holdStill   takeAgain, sendAgain
//                                           ▼   │
//                                           still, frozen ──forget──▶ empty

import type { Admitted } from './buffer/admission.ts';
import type { Recovered } from './buffer/journal.ts';
import { becomesTrue } from './clock.ts';
import type { Config } from './config.ts';
import type { Health } from './gateways/processor.ts';
import { ownerOf, type IdWords, type ProcessorIndex } from './payment.ts';
import { Pipeline } from './pipeline.ts';
import type { Ports } from './ports.ts';
import { loadSettled } from './recovery/load-settled.ts';

/** In the status. The log has all of them. */
const STUCK_LISTED_MAX = 1_000;

export class Engine {
  readonly #config: Config;
  readonly #ports: Ports;
  readonly #pipeline: Pipeline;
  /** Counts the loads of settled ids: a later one, or a purge, ends an earlier one. */
  #load = 0;
  #stopped = false;

  constructor(config: Config, ports: Ports) {
    this.#config = config;
    this.#ports = ports;
    this.#pipeline = new Pipeline(config, ports);
  }

  /** Reads the journal, or makes its header. Before the first payment. @throws JournalError */
  recover(isNewJournal: boolean): Recovered {
    const { journal, verifier, doubts } = this.#pipeline;
    if (isNewJournal) journal.format(this.#ports.clock.random());
    const recovered = journal.recover();
    // What an earlier life sent may still arrive at a processor.
    doubts.distrustFor(this.#config.TIMEOUT_MAX_MS);
    for (const slot of recovered.slots) verifier.add(slot);
    return recovered;
  }

  start(): void {
    this.sendAgain();
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
    if (this.#pipeline.routing.hear(processor, health)) this.#pipeline.workingAgain(processor);
    this.#pipeline.crew.wake();
  }

  /**
   * Takes nothing new and finishes what is under way, for `drainMs` at most; the rest stays in the journal. Resolves when that is on the
   * disk, where it is synced at all. @throws when the disk fails
   */
  async stop(drainMs: number): Promise<void> {
    const { intake, crew, setAside, verifier, handOvers, reconcilers, doubts, writer } =
      this.#pipeline;
    this.#stopped = true;
    intake.openTo = 'stopping';
    crew.pause();
    setAside.pause();
    verifier.stop();
    doubts.stop();
    for (const handOver of handOvers) handOver.stop();
    const isDone = (): boolean =>
      crew.busy + setAside.busy + this.#unknown === 0 && writer.pending === 0;
    await becomesTrue(this.#ports.clock, drainMs, isDone);
    for (const reconciler of reconcilers) reconciler.stop();
    writer.close();
    // A machine that is switched off after its services were stopped is no power loss. Without a limit: whoever stops us has one.
    if (this.#config.JOURNAL_SYNC !== 'never') await this.#pipeline.journal.syncNow();
  }

  /** Takes only what other instances hold for this one, and starts no attempt from now on. */
  holdStill(): void {
    if (!this.#stopped) this.#pipeline.intake.openTo = 'peers';
    this.#pipeline.crew.pause();
    this.#pipeline.setAside.pause();
  }

  /** Takes nothing at all. */
  freeze(): void {
    if (!this.#stopped) this.#pipeline.intake.openTo = 'purging';
  }

  /** All that is held waits for its next attempt: nothing is under way to a processor, the ledger or another instance. */
  get isStill(): boolean {
    const { ring, setAside, reconcilers } = this.#pipeline;
    const isResending = reconcilers.some(({ resending }) => resending > 0);
    return !isResending && ring.slots - ring.free === ring.waiting + setAside.waiting;
  }

  /** Forgets every payment, and what the ledger had. Only while it is still. Resolves when that is as safe as was asked for. */
  async forget(): Promise<void> {
    if (!this.isStill) throw new Error('payments are under way');
    const { ring, setAside, settled, tally, intake } = this.#pipeline;
    for (const slot of setAside.takeAll()) this.#pipeline.letGo(slot, 'not settled');
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
    if (this.#stopped) return;
    this.#pipeline.crew.start();
    this.#pipeline.setAside.start();
  }

  status(): Record<string, unknown> {
    const { ring, intake, routing, setAside, doubts, verifier } = this.#pipeline;
    const { handOvers, writer, tally } = this.#pipeline;
    return {
      accepted: intake.accepted,
      queued: ring.waiting,
      inFlight: routing.inFlight,
      aside: setAside.waiting,
      held: ring.slots - ring.free,
      free: ring.free,
      unknown: this.#unknown,
      doubtful: doubts.pending,
      verifying: verifier.pending,
      foreign: handOvers.reduce((sum, handOver) => sum + handOver.pending, 0),
      unrecorded: writer.pending,
      refused: writer.poisoned,
      ...tally.ofProcessors(),
      stuck: this.#listStuck(),
    };
  }

  /** Payments whose outcome is unknown. */
  get #unknown(): number {
    const [first, second] = this.#pipeline.reconcilers;
    return first.pending + second.pending;
  }

  /** Payments that failed alone, or whose outcome is unknown. */
  #listStuck(): Record<string, unknown>[] {
    const { setAside, reconcilers } = this.#pipeline;
    const listed = setAside.list(STUCK_LISTED_MAX);
    for (const reconciler of reconcilers) {
      listed.push(...reconciler.list(STUCK_LISTED_MAX - listed.length));
    }
    return listed;
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
