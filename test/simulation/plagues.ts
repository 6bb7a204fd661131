// What befalls the parts of a world as a whole, again and again until it heals: outages, restarts, slowness, steps of the clock.

import { PROCESSORS } from '../../src/payment.ts';
import type { Instance } from './instance.ts';
import type { SimulatedLedger } from './simulated-ledger.ts';
import type { SimulatedProcessor } from './simulated-processor.ts';
import type { World } from './world.ts';

export interface Victims {
  readonly world: World;
  readonly instances: readonly Instance[];
  readonly processors: readonly [SimulatedProcessor, SimulatedProcessor];
  readonly ledger: SimulatedLedger;
}

export function unleash({ world, instances, processors, ledger }: Victims): void {
  const { weather, timeline } = world;
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
