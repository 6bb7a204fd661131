// What befalls the parts of a world as a whole, again and again until it heals: outages, restarts, slowness, steps of the clock.

import { ownerOf, PROCESSORS } from '../../src/payment.ts';
import type { Clients } from './clients.ts';
import type { Instance } from './instance.ts';
import type { SimulatedLedger } from './simulated-ledger.ts';
import type { SimulatedProcessor } from './simulated-processor.ts';
import type { World } from './world.ts';

export interface Victims {
  readonly world: World;
  readonly instances: readonly Instance[];
  readonly processors: readonly [SimulatedProcessor, SimulatedProcessor];
  readonly ledger: SimulatedLedger;
  readonly clients: Clients;
}

export function unleash({ world, instances, processors, ledger, clients }: Victims): void {
  const { weather, timeline, books } = world;
  const dice = world.dice.fork();

  const every = (meanMs: number, happen: () => void): void => {
    if (meanMs === Number.POSITIVE_INFINITY) return;
    const planNext = (): void => {
      timeline.in(dice.between(0, 2 * meanMs), () => {
        if (weather.healed) return;
        happen();
        planNext();
      });
    };
    planNext();
  };

  every(weather.stopEveryMs, () => dice.pick(instances).stop());
  every(weather.stopEveryMs, () => {
    for (const instance of instances) if (dice.chance(weather.powerLossShare)) instance.losePower();
  });
  every(weather.pauseEveryMs, () => {
    const { program } = dice.pick(instances);
    weather.count('pause');
    if (program !== undefined) program.pausedUntilMs = timeline.nowMs + dice.spread(5, 5_000);
  });
  const { forMs, everyMs } = weather.heldUp;
  const holdUp = (): void => {
    if (weather.healed) return;
    weather.count('held up');
    for (const { program } of instances) {
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
    const owner = instances[ownerOf(account.id, instances.length)] as Instance;
    const { row } = account;
    if (row === undefined || account.isForeign) return;
    if (account.calls > 0 || account.strayed) return;
    if (!owner.isUp || owner.program?.hasRecorded(account.text) !== true) return;
    if (owner.inJournal().includes(account.text)) return;
    weather.count('row lost');
    ledger.lose(account.text);
    books.lose(account);
    clients.askAgain(account, row.amountCents);
  });
  every(weather.clockStepEveryMs, () => {
    weather.count('clock step');
    dice.pick(instances).clockOffMs += dice.pick([-1, 1]) * Math.floor(dice.spread(1, 1e7));
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
    for (const { program } of instances)
      program?.later(0, () => program.engine.hear(processor, health));
  });
  every(500, () => {
    const { program } = dice.pick(instances);
    program?.later(0, () => program.flush());
  });
}
