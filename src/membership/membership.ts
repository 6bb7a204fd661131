// Whether this instance may accept and send payments: the ledger agrees to its place (place.ts),
// and no other instance contradicts its settings.
//
//   pending ──the ledger agrees──▶ agreed ◀──────────▶ disagreed
//      └────── the ledger or a peer contradicts ────────▶┘
//
// Pending: accepts payments and sends none, as while the ledger is away. Disagreed: accepts none,
// sends none, and asks again. Once the ledger has agreed, an outage of the ledger changes nothing.
// Neither does a peer that is away, or a peer that contradicts but has no place in the ledger: such
// a peer sends nothing.

import { sleep, type Clock } from '../clock.ts';
import type { Engine } from '../engine.ts';
import type { Identity, Peer } from '../gateways/peer.ts';
import type { LedgerProblem } from '../ledger/explain.ts';
import { Condition } from '../log/condition.ts';
import type { Log } from '../log/log.ts';
import { Outage } from '../log/outage.ts';
import { AwayPeers } from './away-peers.ts';
import { otherPeer, type Disagreement } from './disagreement.ts';
import type { Place } from './place.ts';

export interface MembershipParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly instance: number;
  readonly instances: number;
  readonly place: Place;
  /** Why the ledger could not be asked, as fields of the log. */
  readonly detailsOf: (error: unknown) => Pick<LedgerProblem, 'cause' | 'isTemporary'>;
  readonly engine: Pick<Engine, 'bar'>;
  /** All instances in order; this one is never asked. */
  readonly peers: readonly Pick<Peer, 'identity'>[];
}

const PENDING_EVERY_MS = 250;
const TROUBLE_EVERY_MS = 1_000;
const AGREED_EVERY_MS = 2_000;
const DRAINING_EVERY_MS = 250;
/** Time between marks. A ledger that goes back in time by less is not noticed. */
const MARK_EVERY_MS = 10_000;
const PEER_TIMEOUT_MS = 500;
/** How long an answer waits after a start for the ledger's agreement, which takes milliseconds. */
const START_WAIT_MS = 200;
/** Longest time to write into the ledger that this instance stops. */
const LEAVE_MS = 1_000;

export class Membership {
  state: 'pending' | 'agreed' | 'disagreed' = 'pending';
  /** What the ledger does wrong, asked every two seconds; '' if it answers. */
  ledgerProblem = '';
  readonly awayPeers: AwayPeers;
  /** Resolves when this instance may send for the first time. */
  readonly agreed: Promise<void>;
  readonly #parts: MembershipParts;
  #onAgreed!: () => void;
  #startWait: Promise<void> | undefined;
  /** From the ledger's latest answer. */
  #ledgerDisagreement: Disagreement | undefined;
  #peerDisagreement: Disagreement | undefined;
  /** The ledger has agreed at least once. */
  #hasAgreed = false;
  readonly #outage: Outage;
  #drains = false;
  readonly #draining = new Condition();
  #markDueMs = Number.NEGATIVE_INFINITY;
  /** The round of questions that is under way, or the latest one. */
  #round: Promise<void> = Promise.resolve();
  /** The disagreement that was logged last; '' when it is over. */
  #logged = '';
  #stopped = false;

  constructor(parts: MembershipParts) {
    this.#parts = parts;
    const { clock, log } = parts;
    const [begins, ends] = ['ledger unavailable for the place', 'ledger available for the place'];
    this.#outage = new Outage({ clock, log, begins, ends });
    this.awayPeers = new AwayPeers(clock, log);
    this.agreed = new Promise((resolve) => {
      this.#onAgreed = resolve;
    });
  }

  /** Before the instance listens: refuses payments if the journal's header is of another place. */
  prepare(): void {
    this.#ledgerDisagreement = this.#parts.place.headerDisagreement;
    this.#updateState();
  }

  /**
   * Asks from now on. `schema` resolves when the ledger has its tables; only a journal that belongs
   * to no ledger yet waits for it.
   */
  start(schema: Promise<void>): void {
    void this.#run(this.#parts.place.ledgerId === '' ? schema : Promise.resolve());
  }

  /**
   * Resolves when the ledger may be asked about payments; waits START_WAIT_MS for it after a start.
   * @throws when the ledger may not be asked
   */
  async requireAgreed(): Promise<void> {
    await this.#waitAtStart();
    if (this.state !== 'agreed') throw new Error('the ledger has not agreed');
  }

  /**
   * Resolves when the ledger is known to be ours, so that its sums are of our payments; waits
   * START_WAIT_MS for it after a start.
   * @throws when the ledger is not known to be ours
   */
  async requireOurLedger(): Promise<void> {
    await this.#waitAtStart();
    if (!this.#hasAgreed) throw new Error('the ledger has not agreed');
    if (this.#ledgerDisagreement?.about === 'ledger') throw new Error('it is another ledger');
  }

  async #waitAtStart(): Promise<void> {
    if (this.state !== 'pending') return;
    this.#startWait ??= sleep(this.#parts.clock, START_WAIT_MS);
    await Promise.race([this.agreed, this.#startWait]);
  }

  get disagreement(): Disagreement | undefined {
    return this.#ledgerDisagreement ?? this.#peerDisagreement;
  }

  /** What this instance answers when another one asks which instance it is. */
  get identity(): Identity {
    const { instance, instances, place } = this.#parts;
    return { instance, instances, ledgerId: place.ledgerId, isPlaced: place.isOurs };
  }

  /** Gives up the place, after the engine has stopped. Never rejects; takes a second at most. */
  async leave(): Promise<void> {
    const { clock, place } = this.#parts;
    this.#stopped = true;
    const left = this.#round.then(() => place.leave()).catch(ignore);
    await Promise.race([left, sleep(clock, LEAVE_MS)]);
  }

  async #run(ready: Promise<void>): Promise<void> {
    await ready;
    while (!this.#stopped) {
      this.#round = this.#askAll();
      await this.#round;
      await sleep(this.#parts.clock, this.#pauseMs());
    }
  }

  #pauseMs(): number {
    if (this.#drains) return DRAINING_EVERY_MS;
    if (this.state === 'disagreed') return TROUBLE_EVERY_MS;
    if (this.state === 'pending') return PENDING_EVERY_MS;
    return this.awayPeers.isAnyAway ? TROUBLE_EVERY_MS : AGREED_EVERY_MS;
  }

  async #askAll(): Promise<void> {
    await this.#askLedger();
    // The peers are asked after the ledger: of two instances that contradict each other, the later
    // one then sees that the other one has its place.
    this.#peerDisagreement = await this.#askPeers();
    if (!this.#stopped) this.#updateState();
  }

  async #askLedger(): Promise<void> {
    const { clock, place } = this.#parts;
    // A ledger that took no mark is no use before it takes one: it may be read-only.
    const isMarkDue = this.ledgerProblem !== '' || clock.elapsed() >= this.#markDueMs;
    try {
      const claimed = await place.claim(isMarkDue);
      this.#ledgerDisagreement = 'reason' in claimed ? claimed : undefined;
      this.#drains = 'drains' in claimed && claimed.drains;
      if (isMarkDue) this.#markDueMs = clock.elapsed() + MARK_EVERY_MS;
      if (place.isOurs) this.#hasAgreed = true;
      this.ledgerProblem = '';
      this.#outage.works();
    } catch (error) {
      // While the ledger is away, its latest answer counts.
      const { isTemporary, ...details } = this.#parts.detailsOf(error);
      this.ledgerProblem = isTemporary ? 'does not answer' : `can not be used: ${details.cause}`;
      this.#outage.failed(details.cause, details);
    }
    this.#logDraining();
  }

  #logDraining(): void {
    const { clock, log } = this.#parts;
    const due = this.#draining.update(this.#drains, clock.elapsed());
    if (due === undefined) return;
    const why = 'the number of instances is about to change: clients are refused';
    if (this.#drains) log.warn('draining', { why, ...due });
    else log.info('draining is over', { lastedMs: due.forMs });
  }

  async #askPeers(): Promise<Disagreement | undefined> {
    const { peers, instance } = this.#parts;
    const identities = await Promise.all(
      peers.map(async (peer, number) => {
        if (number === instance) return undefined;
        const identity = await peer.identity(PEER_TIMEOUT_MS);
        this.awayPeers.asked(number, identity);
        return identity === 'refused' ? undefined : identity;
      }),
    );
    for (const [number, identity] of identities.entries()) {
      if (identity?.isPlaced === true && !this.#isExpected(number, identity)) {
        const { instances, place } = this.#parts;
        return otherPeer({ instance: number, instances, ledgerId: place.ledgerId }, identity);
      }
    }
    return undefined;
  }

  #isExpected(number: number, { instance, instances, ledgerId }: Identity): boolean {
    const own = this.#parts.place.ledgerId;
    const isLedgerSame = own === '' || ledgerId === '' || ledgerId === own;
    return instance === number && instances === this.#parts.instances && isLedgerSame;
  }

  #updateState(): void {
    const { engine, log, place } = this.#parts;
    const { disagreement } = this;
    const before = this.state;
    if (disagreement !== undefined) this.#disagree(disagreement);
    else if (place.isOurs) this.state = 'agreed';
    else this.state = 'pending';
    if (before === 'disagreed' && this.state !== 'disagreed') {
      this.#logged = '';
      log.info('disagreement is over', { state: this.state });
    }
    if (this.state !== 'disagreed') engine.bar(this.#drains ? 'draining' : undefined);
    if (this.state === 'agreed') this.#onAgreed();
  }

  #disagree(disagreement: Disagreement): void {
    const { engine, log } = this.#parts;
    this.state = 'disagreed';
    engine.bar('disagreeing', disagreement.reason);
    const text = `${disagreement.reason} ${disagreement.here}`;
    if (text === this.#logged) return;
    this.#logged = text;
    log.error('disagreement', { ...disagreement });
  }
}

/** The ledger was not written to: the next start with this journal works all the same. */
function ignore(): void {}
