// The clients: each payment is posted, repeated at once or much later, to the right instance or another one, sometimes with another
// amount; who gets no answer or a refusal tries again.

import { ownerOf } from '../../src/payment.ts';
import type { Account, Told } from './account.ts';
import type { Dice } from './dice.ts';
import type { Instance } from './instance.ts';
import type { World } from './world.ts';

const TRIES = 8;

export class Clients {
  readonly #world: World;
  readonly #instances: readonly Instance[];
  readonly #dice: Dice;
  /** The longest wait before another try. */
  readonly #patienceMs: number;
  /** Calls without an answer yet. */
  #open = 0;

  constructor(world: World, instances: readonly Instance[]) {
    this.#world = world;
    this.#instances = instances;
    this.#dice = world.dice.fork();
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

  /** A call to its owner, which lives, right now; nobody tries again. */
  askAgain(account: Account, cents: number): void {
    const owner = this.#instances[ownerOf(account.id, this.#instances.length)];
    this.#open++;
    account.calls++;
    this.#world.note('post again', account.index, cents);
    owner?.program?.admit(account.id, cents, false, (told) => {
      this.#world.books.told(account, cents, true, told);
      this.#open--;
      account.calls--;
    });
  }

  #post(account: Account, cents: number, delayMs: number, tries = 0): void {
    this.#open++;
    account.calls++;
    this.#world.timeline.in(delayMs, () => {
      const { weather } = this.#world;
      const owner = ownerOf(account.id, this.#instances.length);
      const instances = this.#instances.length;
      const strays = weather.strikes('wrongInstance') || !this.#instances[owner]?.isUp;
      const at = strays ? this.#dice.below(instances) : owner;
      const instance = this.#instances[at];
      if (!instance?.isUp) return this.#answered({ account, cents, tries }, undefined);
      account.posted.add(cents);
      if (at !== owner) account.strayed = true;
      this.#world.note(at === owner ? 'post' : 'post elsewhere', account.index, cents);
      instance.program?.admit(account.id, cents, false, (told) => {
        this.#world.books.told(account, cents, at === owner, told);
        this.#answered({ account, cents, tries }, told);
      });
    });
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
