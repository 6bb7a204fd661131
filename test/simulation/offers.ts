// Hand-overs between the instances: an offer may be lost, come late, or be accepted while its
// answer is lost.

import type { Offered, Ports } from '../../src/ports.ts';
import type { Told } from './account.ts';
import type { Fleet } from './fleet.ts';
import type { Program } from './program.ts';
import type { World } from './world.ts';

/** As in instance.ts. */
const OFFER_MS = 500;
const TRAVEL_MS = [0.05, 1] as const;

export function offersBetween(world: World, fleet: () => Fleet): (from: Program) => Ports['offer'] {
  const dice = world.dice.fork();
  const { weather, books } = world;
  return (from) => (owner, id, cents, isInDoubt) =>
    new Promise((resolve) => {
      if (!from.step()) return;
      const account = books.of(id);
      world.note('offer', account.index, owner);
      const deadline = from.later(OFFER_MS, () => resolve('away'));
      const answer = (offered: Offered): void => {
        from.later(dice.between(...TRAVEL_MS), () => {
          deadline.cancel();
          resolve(offered);
        });
      };
      if (weather.strikes('offerLost')) return;
      const lateMs = weather.strikes('offerLate') ? dice.spread(10, 5_000) : 0;
      account.calls++;
      world.fly(lateMs + dice.between(...TRAVEL_MS), () => {
        account.calls--;
        const to = fleet().reachedBy(from, owner);
        if (to === undefined) return answer('away');
        const bringer = isInDoubt ? 'peer in doubt' : 'peer';
        to.program?.admit({ id: account.id, cents, from: bringer }, (told) => {
          books.told(account, cents, true, told);
          if (told !== 'cut' && !weather.strikes('offerAnswerLost')) answer(offeredOf(told));
        });
      });
    });
}

/** By way of the statuses that api/replies.ts and gateways/peer.ts agree on. */
function offeredOf(told: Exclude<Told, 'cut'>): Offered {
  switch (told) {
    case 'accepted':
    case 'repeated':
      return 'accepted';
    case 'conflict':
      return 'conflict';
    case 'given up':
      return 'given up';
    case 'foreign':
    case 'full':
    case 'purging':
    case 'stopping':
    case 'disagreeing':
    case 'draining':
    case 'broken':
    case 'late':
    case 'unsafe':
    case 'failed':
      return 'away';
  }
}
