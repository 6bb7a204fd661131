// The clients: each payment is posted, repeated at once or much later, at its owner or another
// instance, sometimes with another amount. A client without an answer or with a refusal tries
// again.

import { ownerOf } from '../../src/payment.ts';
import type { Account, Told } from './account.ts';
import type { Dice } from './dice.ts';
import type { Fleet, Member } from './fleet.ts';
import type { Program } from './program.ts';
import type { World } from './world.ts';

const TRIES = 8;
/** Share of payments that come in rushes. */
const RESERVED = 0.4;

interface Reserved {
  readonly account: Account;
  readonly cents: number;
}

export class Clients {
  readonly #world: World;
  readonly #fleet: Fleet;
  readonly #dice: Dice;
  /** The longest wait before another try. */
  readonly #patienceMs: number;
  /** A client that waited for so long waits no more. */
  readonly #giveUpMs: number | undefined;
  /** Payments for rushes. */
  readonly #reserve: Reserved[] = [];
  /** Calls without an answer yet. */
  #open = 0;

  constructor(world: World, fleet: Fleet) {
    this.#world = world;
    this.#fleet = fleet;
    this.#dice = world.dice.fork();
    this.#giveUpMs = fleet.membersMove ? this.#dice.spread(1_000, 6_000) : undefined;
    this.#patienceMs = this.#dice.spread(20, 5_000);
  }

  get isDone(): boolean {
    return this.#open === 0;
  }

  /** Plans `payments` payments and their repetitions over `spanMs`. */
  plan(payments: number, spanMs: number): void {
    const { books } = this.#world;
    const dice = this.#dice;
    const sequential = dice.pick([0, 0.5, 1]);
    const repeats = dice.spread(0.01, 1);
    const others = dice.spread(0.01, 0.5);
    // In some runs everything is said again and again within moments.
    const echoes = dice.pick([0, 0, 0, 5]);
    const family = dice.id();
    for (let n = 0; n < payments; n++) {
      const id = dice.chance(sequential) ? family.slice() : dice.id();
      id[3] = dice.chance(sequential) ? n : (id[3] as number);
      id[2] = n;
      const account = books.open(id);
      const cents = dice.pick([1_990, 1, dice.whole(1, 1e6), dice.whole(1, 1e13)]);
      if (this.#fleet.membersMove && dice.chance(RESERVED)) {
        this.#reserve.push({ account, cents });
        continue;
      }
      const atMs = dice.between(0, spanMs);
      this.#post(account, cents, atMs);
      for (let echo = 0; echo < echoes; echo++) {
        this.#post(account, cents, atMs + dice.spread(1, 400));
      }
      while (dice.chance(repeats * 0.5)) {
        const laterMs = dice.pick([
          0,
          dice.between(0, 5),
          dice.spread(1, 500),
          dice.spread(1, spanMs),
        ]);
        const otherCents = dice.chance(others) ? dice.whole(1, 1e6) : cents;
        this.#post(account, otherCents, atMs + laterMs);
      }
    }
  }

  /** Every so often a payment of old, with its own amount or another. */
  repeat(share: number, spanMs: number): void {
    for (const account of this.#world.books.accounts) {
      // A lost row that nobody asked for is forgotten by all: nothing could tell.
      if (!this.#dice.chance(share) || account.lost) continue;
      const [cents = 1] = account.posted;
      const posted = account.promised ?? cents;
      this.#post(account, posted + this.#dice.pick([0, 0, 1]), this.#dice.between(0, spanMs));
    }
  }

  /** Payments of this owner come now, all at once, and some of them with two amounts. */
  rush(owner: number, payments: number): void {
    let left = payments;
    for (let n = this.#reserve.length - 1; n >= 0 && left > 0; n--) {
      const { account, cents } = this.#reserve[n] as Reserved;
      if (ownerOf(account.id, this.#fleet.instances) !== owner) continue;
      this.#reserve.splice(n, 1);
      left--;
      this.#post(account, cents, this.#dice.between(0, 1));
      while (this.#dice.chance(0.3)) {
        this.#post(account, cents + 1, this.#dice.pick([1, this.#dice.spread(1, 10_000)]));
      }
    }
  }

  /** A call to its owner right now; nobody tries again. */
  askAgain(account: Account, cents: number, owner: Program): void {
    this.#open++;
    account.calls++;
    this.#world.note('post again', account.index, cents);
    let isWaiting = true;
    const answered = (): void => {
      if (isWaiting) this.#open--;
      if (isWaiting) account.calls--;
      isWaiting = false;
    };
    owner.admit({ id: account.id, cents, from: 'client' }, (told) => {
      this.#world.books.told(account, cents, true, told);
      answered();
    });
    this.#giveUpAfter(this.#giveUpMs, answered);
  }

  #post(account: Account, cents: number, delayMs: number, tries = 0): void {
    this.#open++;
    account.calls++;
    this.#world.timeline.in(delayMs, () => {
      const owner = ownerOf(account.id, this.#fleet.instances);
      const member = this.#choose(owner);
      const call = { account, cents, tries };
      if (!member.isUp) return this.#answered(call, undefined);
      const isOwner = member.number === owner;
      account.posted.add(cents);
      if (!isOwner) account.strayed = true;
      this.#world.note(isOwner ? 'post' : 'post elsewhere', account.index, cents);
      let isWaiting = true;
      const answered = (told: Told): void => {
        if (isWaiting) this.#answered(call, told);
        isWaiting = false;
      };
      member.program?.admit({ id: account.id, cents, from: 'client' }, (told) => {
        this.#world.books.told(account, cents, isOwner, told);
        answered(told);
      });
      this.#giveUpAfter(this.#giveUpMs, () => {
        if (isWaiting) this.#world.books.told(account, cents, isOwner, 'cut');
        answered('cut');
      });
    });
  }

  /** The owner, if there is no reason to ask another one. */
  #choose(owner: number): Member {
    const { members } = this.#fleet;
    const owners = this.#fleet.running(owner);
    const strays = this.#world.weather.strikes('wrongInstance') || owners.length === 0;
    if (strays) return this.#dice.pick(members);
    return owners.length === 1 ? (owners[0] as Member) : this.#dice.pick(owners);
  }

  /** Where a process may stand still for long. */
  #giveUpAfter(waitMs: number | undefined, giveUp: () => void): void {
    if (waitMs !== undefined) this.#world.timeline.in(waitMs, giveUp);
  }

  #answered(
    { account, cents, tries }: { account: Account; cents: number; tries: number },
    told: Told | undefined,
  ): void {
    this.#open--;
    account.calls--;
    const { weather } = this.#world;
    const isTold = told === 'accepted' || told === 'repeated' || told === 'conflict';
    const isLost = isTold && weather.strikes('clientAnswerLost');
    if ((!isTold || isLost) && tries < TRIES && this.#dice.chance(0.9)) {
      this.#post(account, cents, this.#dice.spread(1, this.#patienceMs), tries + 1);
    }
  }
}
