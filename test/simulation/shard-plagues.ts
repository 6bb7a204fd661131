// Faults of the cluster's parts, again and again until the world heals: owners that stand still or
// are cut off from the database, failovers of the database, times without a standby.

import { backupOf, holdsForOthers, restorable, restoring, type Backup } from './going-back.ts';
import type { ShardProcess } from './shard-process.ts';
import type { SimulatedDatabase } from './simulated-database.ts';
import type { SimulatedLedger } from './simulated-ledger.ts';
import type { SimulatedProcessor } from './simulated-processor.ts';
import type { World } from './world.ts';

export interface ShardVictims {
  readonly world: World;
  readonly database: SimulatedDatabase;
  readonly members: readonly ShardProcess[];
  readonly ledger: SimulatedLedger;
  readonly processors: readonly [SimulatedProcessor, SimulatedProcessor];
}

export function unleashOnShards(victims: ShardVictims): void {
  const { world, database, members, ledger, processors } = victims;
  const { weather, timeline, books } = world;
  const dice = world.dice.fork();
  const { stoodStillEveryMs, cutOffEveryMs, refusedEveryMs, failoverEveryMs, noStandbyEveryMs } =
    weather.shards;
  world.every(dice, stoodStillEveryMs, () => {
    weather.count('stands still');
    dice.pick(members).standStill(dice.spread(500, 30_000));
  });
  world.every(dice, cutOffEveryMs, () => {
    weather.count('cut off');
    dice.pick(members).cutOff(dice.spread(100, 30_000));
  });
  world.every(dice, refusedEveryMs, () => {
    weather.count('connections refused');
    dice.pick(members).refuseConnections(dice.spread(4_000, 30_000), dice.chance(0.7));
  });
  world.every(dice, weather.shards.clockStepEveryMs, () => {
    weather.count('clock step of the database');
    database.stepClock();
  });
  world.every(dice, weather.shards.forgottenEveryMs, () => {
    weather.count('shards forgotten');
    database.forgetShards();
  });
  const loseLedger = (awayMs: number): void => {
    ledger.away = true;
    timeline.in(awayMs, () => {
      ledger.away = false;
    });
  };
  const failOver = (): void => {
    weather.count('failover');
    const awayMs = dice.spread(50, 15_000);
    database.failOver(awayMs);
    // Some were on the primary's host.
    for (const member of members) if (dice.chance(0.4)) member.losePower();
    loseLedger(awayMs);
  };
  const goBack = (backup: Backup): void => {
    const ids = restorable(backup, database.tables, books);
    if (ids.length === 0) return;
    weather.count('database goes back');
    const awayMs = dice.spread(50, 5_000);
    // An operator stops all before.
    for (const member of members) member.restart();
    database.restore(restoring(backup, ids), awayMs);
    loseLedger(awayMs);
    for (const id of ids) {
      const account = books.of(id);
      // Whoever sends it again may send it to the other one.
      if (account.row !== undefined) processors[account.row.processor].failing = true;
      ledger.lose(id);
      books.goBack(account);
    }
  };
  world.every(dice, failoverEveryMs, failOver);
  let isBackedUp = false;
  world.every(dice, weather.shards.backedUpEveryMs, () => {
    if (isBackedUp || (!holdsForOthers(database.tables) && dice.chance(0.95))) return;
    isBackedUp = true;
    const backup = backupOf(database.tables.copy(), books);
    timeline.in(dice.spread(200, 20_000), () => {
      isBackedUp = false;
      if (!weather.healed) goBack(backup);
    });
  });
  world.every(dice, noStandbyEveryMs, () => {
    weather.count('no standby');
    const forMs = dice.spread(100, 10_000);
    database.loseStandby(forMs);
    const { number } = dice.pick(members);
    if (number >= 0) database.onContest(number);
    if (dice.chance(0.5)) timeline.in(forMs * 0.8, () => database.cancelWaits());
    // The primary is lost while the standby is behind.
    if (dice.chance(0.5)) timeline.in(forMs * 0.9, () => !weather.healed && failOver());
  });
}
