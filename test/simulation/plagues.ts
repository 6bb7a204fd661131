// Faults of whole parts, again and again until the world heals: outages, restarts, slowness, steps
// of the clock.

import { ownerOf, PROCESSORS } from '../../src/payment.ts';
import type { Clients } from './clients.ts';
import type { Fleet } from './fleet.ts';
import type { SimulatedLedger } from './simulated-ledger.ts';
import type { SimulatedProcessor } from './simulated-processor.ts';
import type { World } from './world.ts';

export interface Victims {
  readonly world: World;
  readonly fleet: Fleet;
  readonly processors: readonly [SimulatedProcessor, SimulatedProcessor];
  readonly ledger: SimulatedLedger;
  readonly clients: Clients;
}

export function unleash({ world, fleet, processors, ledger, clients }: Victims): void {
  const { weather, timeline, books } = world;
  const dice = world.dice.fork();
  const { members } = fleet;

  const every = (meanMs: number, happen: () => void): void => world.every(dice, meanMs, happen);

  every(weather.stopEveryMs, () => dice.pick(members).stop());
  every(weather.stopEveryMs, () => {
    for (const member of members) if (dice.chance(weather.powerLossShare)) member.losePower();
  });
  every(weather.pauseEveryMs, () => {
    const { program } = dice.pick(members);
    weather.count('pause');
    if (program !== undefined) program.pausedUntilMs = timeline.nowMs + dice.spread(5, 5_000);
  });
  const { forMs, everyMs } = weather.heldUp;
  const holdUp = (): void => {
    if (weather.healed) return;
    weather.count('held up');
    for (const { program } of members) {
      if (program === undefined) continue;
      program.pausedUntilMs = Math.max(program.pausedUntilMs, timeline.nowMs + forMs);
    }
    timeline.in(forMs + everyMs, holdUp);
  };
  if (everyMs !== Number.POSITIVE_INFINITY) timeline.in(everyMs, holdUp);
  every(weather.rowLostEveryMs, () => {
    // Only its owner can know better, and only while it lives. Nobody else asks for the payment
    // meanwhile.
    const account = dice.pick(books.accounts);
    const owner = ownerOf(account.id, fleet.instances);
    const program = fleet.onlyLife(owner);
    const { row } = account;
    if (row === undefined || account.isForeign) return;
    if (account.calls > 0 || account.strayed) return;
    if (program?.stopping !== false || !program.hasRecorded(account.text)) return;
    if (fleet.inJournal(owner).includes(account.text)) return;
    weather.count('row lost');
    ledger.lose(account.text);
    books.lose(account);
    clients.askAgain(account, row.amountCents, program);
  });
  every(weather.operatorEveryMs, () => {
    const { program } = dice.pick(members);
    if (program === undefined) return;
    const { ring } = program.engine;
    const from = dice.below(ring.slots);
    for (let n = 0; n < ring.slots; n++) {
      const slot = (from + n) % ring.slots;
      if (!ring.isLive(slot)) continue;
      const id = ring.ids.slice(slot * 4, slot * 4 + 4);
      const order = { id, actor: 'ana', reason: 'an order' };
      const lever = dice.pick(['retry', 'send', 'give up'] as const);
      const processor = dice.pick(PROCESSORS);
      const mayBeCharged = dice.chance(0.5);
      program.operate((levers) => {
        if (lever === 'retry') return levers.retry(order);
        return lever === 'send'
          ? levers.send(order, processor)
          : levers.giveUp(order, mayBeCharged);
      });
      return;
    }
  });
  every(weather.clockStepEveryMs, () => {
    weather.count('clock step');
    dice.pick(members).clockOffMs += dice.pick([-1, 1]) * Math.floor(dice.spread(1, 1e7));
  });
  every(weather.processorChangeEveryMs, () => {
    const processor = dice.pick(processors);
    processor.delayMs = dice.pick([0, 0, 1, 20, 100, 1_000, 5_000]);
    processor.failing = dice.chance(0.35);
    if (processor.failing) weather.count('processor fails');
  });
  every(weather.processorRestartEveryMs, () => {
    weather.count('processor restarts');
    dice.pick(processors).restart(dice.spread(1, 5_000));
  });
  every(weather.ledgerOutageEveryMs, () => {
    weather.count('ledger outage');
    ledger.away = true;
    timeline.in(dice.spread(20, 8_000), () => {
      ledger.away = false;
    });
  });
  every(2_500, () => {
    const processor = dice.pick(PROCESSORS);
    const { failing, delayMs } = processors[processor];
    const isTrue = dice.chance(0.8);
    const health = isTrue
      ? { failing, minResponseTimeMs: delayMs }
      : { failing: !failing, minResponseTimeMs: dice.whole(0, 5_000) };
    for (const { program } of members)
      program?.later(0, () => program.engine.reported(processor, health));
  });
  every(500, () => {
    const { program } = dice.pick(members);
    program?.later(0, () => program.flush());
  });
}
