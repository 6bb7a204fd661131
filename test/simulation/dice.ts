// Random numbers of a simulated world. All of them come from one seed, so a run can be repeated.

import { Random } from '../buffer/seed.ts';

export class Dice extends Random {
  /** Independent dice, so that one part's throws don't shift another's. */
  fork(): Dice {
    return new Dice(this.word());
  }

  /** A number from `low` up to `high`. */
  between(low: number, high: number): number {
    return low + (this.word() / 2 ** 32) * (high - low);
  }

  /** A whole number, both ends included. */
  whole(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /**
   * A number from a log-uniform distribution: as often from 1 to 10 as from 10 to 100. `low` is
   * above 0.
   */
  spread(low: number, high: number): number {
    return low * (high / low) ** this.between(0, 1);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}
