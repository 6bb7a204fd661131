// A processor and the way to it, like the contest's published source: it sleeps, then checks
// whether it is set to fail, then inserts. A client that gives up cancels nothing. An id is unique
// within one processor. A lookup is neither delayed nor failed.

import { confirms } from '../../src/gateways/payment-answer.ts';
import {
  outcomeOfStatus,
  withoutAnswer,
  type Outcome,
  type OutcomeRule,
} from '../../src/gateways/outcome.ts';
import type { Processor } from '../../src/gateways/processor.ts';
import type { Charge, ProcessorIndex } from '../../src/payment.ts';
import type { Dice } from './dice.ts';
import type { Caller, World } from './world.ts';

/** None of them proves anything. */
const NONSENSE = [201, 204, 301, 302, 408, 409, 502, 504, 520, 599];
const TRAVEL_MS = [0.1, 3] as const;
const LATE_MS = [20, 20_000] as const;

/** What a server says that failed after its commit. */
const FAILURES = [500, 500, 501, 502, 503, 504];
const PAGE = '<html>';

type Reply = (status: number) => void;

export class SimulatedProcessor {
  delayMs = 0;
  failing = false;
  away = false;
  readonly #index: ProcessorIndex;
  /**
   * What the instances believe of it. Only one that isn't trusted fails after an insert, or has a
   * gateway that says 200 for it.
   */
  readonly #rule: OutcomeRule;
  readonly #world: World;
  readonly #dice: Dice;
  readonly #held = new Map<string, Charge>();
  readonly #limit: number;
  #busy = 0;
  /** Counts its restarts. */
  #life = 0;

  /** `limit`: how many calls it works on at once; by chance without one. */
  constructor(index: ProcessorIndex, world: World, rule: OutcomeRule, limit?: number) {
    this.#index = index;
    this.#rule = rule;
    this.#world = world;
    this.#dice = world.dice.fork();
    this.#limit = limit ?? Math.round(this.#dice.spread(4, 1_000));
  }

  /** The processor as `caller` sees it. */
  seenBy(caller: Caller & { step(): boolean; acknowledged(id: string): void }): Processor {
    return {
      charge: (charge, timeoutMs) =>
        new Promise((resolve) => {
          if (!caller.step()) return;
          this.#charge(caller, charge, timeoutMs, (outcome) => {
            if (outcome === 'charged') caller.acknowledged(charge.correlationId);
            resolve(withoutAnswer(outcome));
          });
        }),
      lookup: (id, timeoutMs) =>
        new Promise((resolve) => {
          if (!caller.step()) return;
          this.#lookup(caller, id, timeoutMs, (held) => resolve({ held, status: 0, excerpt: '' }));
        }),
      health: () => Promise.resolve(undefined),
    };
  }

  /** What was under way is lost; what was inserted stays. */
  restart(awayMs: number): void {
    this.#life++;
    this.#busy = 0;
    this.away = true;
    this.#world.timeline.in(awayMs, () => {
      this.away = false;
    });
  }

  heal(): void {
    this.away = false;
    this.failing = false;
    this.delayMs = this.#dice.pick([0, 5, 50]);
  }

  #charge(caller: Caller, charge: Charge, timeoutMs: number, done: (o: Outcome) => void): void {
    const { weather } = this.#world;
    const account = this.#world.books.of(charge.correlationId);
    this.#world.books.sent(account, this.#index, charge);
    let over = false;
    const deadline = caller.later(timeoutMs + this.#dice.between(0, 2), () => end('unknown'));
    const end = (outcome: Outcome): void => {
      if (over) return;
      over = true;
      deadline.cancel();
      this.#world.note('outcome', account.index, outcome);
      done(outcome);
    };
    if (weather.strikes('refused')) {
      const outcome = this.#dice.pick(['declined', 'refused'] as const);
      caller.later(this.#travelMs(), () => end(outcome));
      return;
    }
    if (weather.strikes('unsent')) {
      deadline.cancel();
      caller.later(timeoutMs, () => end('declined'));
      return;
    }
    if (weather.strikes('connectionBroken')) {
      caller.later(this.#dice.between(0, timeoutMs), () => end('unknown'));
    }
    if (weather.strikes('requestLost')) return;
    if (this.#rule === 'strict' && weather.strikes('pageInstead')) {
      caller.later(this.#travelMs(), () => end(this.#outcomeOf(200, PAGE, charge)));
      return;
    }
    const lateMs = weather.strikes('requestLate') ? this.#dice.spread(...LATE_MS) : 0;
    this.#world.fly(lateMs + this.#travelMs(), () =>
      this.#take(charge, (status) => {
        if (weather.strikes('answerLost')) return;
        const told = weather.strikes('nonsenseStatus') ? this.#dice.pick(NONSENSE) : status;
        const backMs = weather.strikes('answerLate') ? this.#dice.spread(...LATE_MS) : 0;
        caller.later(backMs + this.#travelMs(), () => end(this.#outcomeOf(told, '{}', charge)));
      }),
    );
  }

  #outcomeOf(status: number, text: string, charge: Charge): Outcome {
    const outcome = outcomeOfStatus(status, this.#rule);
    if (outcome !== 'charged' || this.#rule === 'contest') return outcome;
    return confirms(text, charge) ? outcome : 'unknown';
  }

  #take(charge: Charge, reply: Reply): void {
    const life = this.#life;
    if (this.away) return;
    if (this.#busy >= this.#limit) return reply(429);
    this.#busy++;
    this.#world.fly(this.delayMs, () => {
      if (this.#life !== life) return;
      const { curse } = this.#world.books.of(charge.correlationId);
      const isCursed = curse !== undefined && !this.#world.weather.healed;
      this.#busy--;
      if (isCursed && curse !== 'nothing') return reply(curse);
      if (isCursed) return;
      if (this.failing) return reply(this.#dice.pick([500, 500, 503]));
      if (this.#held.has(charge.correlationId)) return reply(422);
      this.#held.set(charge.correlationId, charge);
      this.#world.books.charged(this.#index, charge);
      const fails = this.#rule === 'strict' && this.#world.weather.strikes('failsAfterInsert');
      reply(fails ? this.#dice.pick(FAILURES) : 200);
    });
  }

  #lookup(
    caller: Caller,
    id: string,
    timeoutMs: number,
    done: (held: Charge | 'absent' | 'unknown') => void,
  ): void {
    const { weather, timeline } = this.#world;
    const deadline = caller.later(timeoutMs, () => done('unknown'));
    if (weather.strikes('lookupLost')) return;
    timeline.in(this.#travelMs(), () => {
      if (this.away) return;
      const held = this.#busy >= this.#limit ? 'unknown' : (this.#held.get(id) ?? 'absent');
      const backMs = weather.strikes('lookupLate') ? this.#dice.spread(...LATE_MS) : 0;
      caller.later(backMs + this.#travelMs(), () => {
        deadline.cancel();
        done(held);
      });
    });
  }

  #travelMs(): number {
    return this.#dice.between(...TRAVEL_MS);
  }
}
