// Whether this instance may take and send payments: the ledger agrees to its place (place.ts), and
// no other instance contradicts it.
//
//   pending ──the ledger agrees──▶ agreed ◀──────────▶ disagreed
//      └────── the ledger or a peer contradicts ────────▶┘
//
// Pending: takes payments and sends none, as while the ledger is away. Disagreed: takes none, sends
// none, and asks again. A ledger that is away later on changes nothing. Nor does a peer that is
// away, or one that contradicts and has no place in the ledger: that one sends nothing.

import { sleep, type Clock } from './clock.ts';
import type { Log } from './log.ts';
import { otherPeer, type Disagreement, type Identity } from './disagreement.ts';
import { Lasting } from './lasting.ts';
import { Outage } from './outage.ts';

export interface MembershipParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly instance: number;
  readonly instances: number;
  readonly place: {
    readonly isOurs: boolean;
    readonly ledgerId: string;
    readonly moved: Disagreement | undefined;
    claim(marks: boolean): Promise<Disagreement | { readonly drains: boolean }>;
    leave(): Promise<void>;
  };
  /** Why the ledger can't be asked, for the log. */
  readonly explain: (error: unknown) => { readonly cause: string };
  readonly engine: { bar(bar: 'disagreeing' | 'draining' | undefined): void };
  /** In order; our own place has none that is asked. */
  readonly peers: readonly { identity(timeoutMs: number): Promise<Identity | undefined> }[];
}

const PENDING_EVERY_MS = 250;
const DISAGREED_EVERY_MS = 1_000;
const AGREED_EVERY_MS = 2_000;
const DRAINING_EVERY_MS = 250;
/** Between marks: a ledger that went back by less goes unnoticed. */
const MARK_EVERY_MS = 10_000;
const PEER_MS = 500;
/**
 * A payment's answer waits this long after a start for the ledger's agreement, which usually takes
 * milliseconds.
 */
const SOON_MS = 200;
/** For the ledger to be told that we stop. */
const LEAVE_MS = 1_000;

export class Membership {
  state: 'pending' | 'agreed' | 'disagreed' = 'pending';
  /** Resolves when this instance may send for the first time. */
  readonly agreed: Promise<void>;
  readonly #parts: MembershipParts;
  #onAgreed!: () => void;
  #soon: Promise<void> | undefined;
  /** What the ledger said last, and what a peer did. */
  #ofLedger: Disagreement | undefined;
  #ofPeer: Disagreement | undefined;
  /** The ledger has agreed once. */
  #hasAgreed = false;
  readonly #outage: Outage;
  #drains = false;
  readonly #draining = new Lasting();
  #markedAtMs = Number.NEGATIVE_INFINITY;
  #look: Promise<void> = Promise.resolve();
  /** The disagreement that the log has. */
  #told = '';
  #stopped = false;

  constructor(parts: MembershipParts) {
    this.#parts = parts;
    const { clock, log } = parts;
    const [begins, ends] = ['ledger unavailable for the place', 'ledger available for the place'];
    this.#outage = new Outage({ clock, log, begins, ends });
    this.agreed = new Promise((resolve) => {
      this.#onAgreed = resolve;
    });
  }

  /** Before the doors open: bars what can't be right. */
  prepare(): void {
    this.#ofLedger = this.#parts.place.moved;
    this.#become();
  }

  /**
   * `schema` resolves when the ledger has its tables: a journal that was there before doesn't wait
   * for that.
   */
  start(schema: Promise<void>): void {
    void this.#run(this.#parts.place.ledgerId === '' ? schema : Promise.resolve());
  }

  /**
   * Resolves when the ledger may be asked about payments, or a moment after the start.
   * @throws when it may not
   */
  async mayAsk(): Promise<void> {
    await this.#soonAgreed();
    if (this.state !== 'agreed') throw new Error('the ledger has not agreed');
  }

  /**
   * Resolves when what the ledger says is said of our payments, or a moment after the start.
   * @throws when it isn't
   */
  async maySum(): Promise<void> {
    await this.#soonAgreed();
    if (!this.#hasAgreed) throw new Error('the ledger has not agreed');
    if (this.#ofLedger?.about === 'ledger') throw new Error('it is another ledger');
  }

  async #soonAgreed(): Promise<void> {
    if (this.state !== 'pending') return;
    this.#soon ??= sleep(this.#parts.clock, SOON_MS);
    await Promise.race([this.agreed, this.#soon]);
  }

  get disagreement(): Disagreement | undefined {
    return this.#ofLedger ?? this.#ofPeer;
  }

  /** What this instance says of itself. */
  get identity(): Identity {
    const { instance, instances, place } = this.#parts;
    return { instance, instances, ledgerId: place.ledgerId, isPlaced: place.isOurs };
  }

  /** After the engine has stopped. Never rejects, and takes a second at most. */
  async leave(): Promise<void> {
    const { clock, place } = this.#parts;
    this.#stopped = true;
    const left = this.#look.then(() => place.leave()).catch(ignore);
    await Promise.race([left, sleep(clock, LEAVE_MS)]);
  }

  async #run(ready: Promise<void>): Promise<void> {
    await ready;
    while (!this.#stopped) {
      this.#look = this.#lookAround();
      await this.#look;
      await sleep(this.#parts.clock, this.#pauseMs());
    }
  }

  #pauseMs(): number {
    if (this.#drains) return DRAINING_EVERY_MS;
    if (this.state === 'disagreed') return DISAGREED_EVERY_MS;
    return this.state === 'agreed' ? AGREED_EVERY_MS : PENDING_EVERY_MS;
  }

  async #lookAround(): Promise<void> {
    await this.#askLedger();
    // After the ledger: of two that contradict each other, the later one sees that the other has
    // its place.
    this.#ofPeer = await this.#askPeers();
    if (!this.#stopped) this.#become();
  }

  async #askLedger(): Promise<void> {
    const { clock, place } = this.#parts;
    const marks = clock.elapsed() - this.#markedAtMs >= MARK_EVERY_MS;
    try {
      const told = await place.claim(marks);
      this.#ofLedger = 'reason' in told ? told : undefined;
      this.#drains = 'drains' in told && told.drains;
      if (marks) this.#markedAtMs = clock.elapsed();
      if (place.isOurs) this.#hasAgreed = true;
      this.#outage.works();
    } catch (error) {
      // While it is away, what it said last counts.
      const trouble = this.#parts.explain(error);
      this.#outage.failed(trouble.cause, trouble);
    }
    this.#sayDraining();
  }

  #sayDraining(): void {
    const { clock, log } = this.#parts;
    const due = this.#draining.look(this.#drains, clock.elapsed());
    if (due === undefined) return;
    const why = 'the number of instances is about to change: clients are refused';
    if (this.#drains) log.warn('draining', { why, ...due });
    else log.info('draining is over', { lastedMs: due.forMs });
  }

  async #askPeers(): Promise<Disagreement | undefined> {
    const { peers, instance } = this.#parts;
    const told = await Promise.all(
      peers.map(async (peer, number) => (number === instance ? undefined : peer.identity(PEER_MS))),
    );
    for (const [number, identity] of told.entries()) {
      if (identity?.isPlaced === true && !this.#fits(number, identity)) {
        const { instances, place } = this.#parts;
        return otherPeer({ instance: number, instances, ledgerId: place.ledgerId }, identity);
      }
    }
    return undefined;
  }

  #fits(number: number, { instance, instances, ledgerId }: Identity): boolean {
    const own = this.#parts.place.ledgerId;
    const isLedgerSame = own === '' || ledgerId === '' || ledgerId === own;
    return instance === number && instances === this.#parts.instances && isLedgerSame;
  }

  #become(): void {
    const { engine, log, place } = this.#parts;
    const { disagreement } = this;
    const before = this.state;
    if (disagreement !== undefined) this.#disagree(disagreement);
    else if (place.isOurs) this.state = 'agreed';
    else this.state = 'pending';
    if (before === 'disagreed' && this.state !== 'disagreed') {
      this.#told = '';
      log.info('disagreement is over', { state: this.state });
    }
    if (this.state !== 'disagreed') engine.bar(this.#drains ? 'draining' : undefined);
    if (this.state === 'agreed') this.#onAgreed();
  }

  #disagree(disagreement: Disagreement): void {
    const { engine, log } = this.#parts;
    this.state = 'disagreed';
    engine.bar('disagreeing');
    const told = `${disagreement.reason} ${disagreement.here}`;
    if (told === this.#told) return;
    this.#told = told;
    log.error('disagreement', { ...disagreement });
  }
}

/** The ledger can't be told: the next start of this journal goes on all the same. */
function ignore(): void {}
