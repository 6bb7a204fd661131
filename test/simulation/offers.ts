// The way between the instances: an offer may be lost, come late, or be taken without the answer getting back.

import type { Offered } from '../../src/buffer/admission.ts';
import type { Ports } from '../../src/ports.ts';
import type { Told } from './account.ts';
import type { Instance } from './instance.ts';
import type { Program } from './program.ts';
import type { World } from './world.ts';

/** As in instance.ts. */
const OFFER_MS = 500;
const TRAVEL_MS = [0.05, 1] as const;

export function offersBetween(
  world: World,
  instances: readonly Instance[],
): (from: Program) => Ports['offer'] {
  const dice = world.dice.fork();
  const { weather, books } = world;
  return (from) => (owner, id, cents) =>
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
      world.fly(lateMs + dice.between(...TRAVEL_MS), () => {
        const to = instances[owner];
        if (!to?.isUp) return answer('away');
        to.program?.admit(account.id, cents, true, (told) => {
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
    case 'foreign':
    case 'full':
    case 'purging':
    case 'stopping':
    case 'disagreeing':
    case 'draining':
    case 'broken':
    case 'failed':
      return 'away';
  }
}
