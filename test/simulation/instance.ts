// An instance over all its lives: it starts, dies at some step or in a power failure, stops in
// order, and starts again from what is on its disk.

import { FILTER_HEADER_BYTES } from '../../src/buffer/filter-header.ts';
import { HEADER_BYTES, JournalError, SLOT_BYTES } from '../../src/buffer/journal.ts';
import type { Config } from '../../src/config/config.ts';
import type { Ports } from '../../src/ports.ts';
import type { Dice } from './dice.ts';
import { fileOf, filterFileOf } from './disk-file.ts';
import { idsIn, type Fleet, type Member } from './fleet.ts';
import { Program } from './program.ts';
import { pinnedCells, SimulatedDisk } from './simulated-disk.ts';
import type { SimulatedLedger } from './simulated-ledger.ts';
import type { SimulatedProcessor } from './simulated-processor.ts';
import type { World } from './world.ts';

export interface InstanceParts {
  readonly world: World;
  readonly config: Config;
  readonly number: number;
  readonly processors: readonly [SimulatedProcessor, SimulatedProcessor];
  readonly ledger: SimulatedLedger;
  readonly offer: (from: Program) => Ports['offer'];
}

export class Instance implements Member {
  program: Program | undefined;
  clockOffMs = 0;
  readonly config: Config;
  readonly number: number;
  readonly #parts: InstanceParts;
  readonly #world: World;
  readonly #dice: Dice;
  readonly #disk: SimulatedDisk;
  readonly #filterDisk: SimulatedDisk;
  #boots = 0;
  readonly #acknowledged = new Set<string>();
  #powerLost = false;

  constructor(parts: InstanceParts) {
    this.#parts = parts;
    this.#world = parts.world;
    this.config = parts.config;
    this.number = parts.number;
    this.#dice = parts.world.dice.fork();
    const bytes = HEADER_BYTES + parts.config.RING_SLOTS * SLOT_BYTES;
    const losesPower = parts.config.JOURNAL_SYNC !== 'never';
    this.#disk = new SimulatedDisk(bytes, losesPower, parts.world.dice);
    const filterBytes = FILTER_HEADER_BYTES + parts.config.BLOOM_FILTER_MIB * 2 ** 20;
    this.#filterDisk = new SimulatedDisk(filterBytes, losesPower, parts.world.dice);
  }

  /** Takes calls. */
  get isUp(): boolean {
    return this.program?.alive === true && !this.program.stopping;
  }

  start(): void {
    const program = new Program({
      world: this.#world,
      clockOffMs: () => this.clockOffMs,
      diesAtStep: throwDeath(this.#world, this.#dice),
      onDeath: (how) => this.#onDeath(how),
    });
    program.run({
      ...this.#parts,
      journalFile: fileOf(this.#world, this.#disk, program),
      filterFile: filterFileOf(this.#world, this.#filterDisk, { program, boots: this.#boots }),
      acknowledged: this.#acknowledged,
    });
    if (!program.alive) return;
    this.#damageCell();
    if (this.#world.weather.strikes('filterDamaged')) this.#damageFilter();
    try {
      program.engine.recover(this.#disk.isBlank);
      // It dies here, as at any other step, before it takes calls.
      if (!program.step()) return;
      program.engine.start();
    } catch (error) {
      if (!program.alive) return;
      // The header itself was torn: nothing can have been promised yet.
      if (!(error instanceof JournalError) || this.#disk.wasSynced) return program.fatal(error);
      this.#disk.remove();
      return program.die('journal made anew');
    }
    if (this.config.JOURNAL_SYNC !== 'always') this.#disk.wasSynced = true;
    this.program = program;
  }

  stop(): void {
    const { program } = this;
    if (program === undefined || !this.isUp) return;
    program.stopping = true;
    const drainMs = this.#dice.pick([0, 100, 3_000]);
    program.engine.stop(drainMs).then(
      () => program.die('stop'),
      (error: unknown) => program.fatal(error),
    );
  }

  losePower(): void {
    if (this.config.JOURNAL_SYNC !== 'always') return;
    if (this.program === undefined) return this.#loseUnsynced();
    this.#powerLost = true;
    this.program.die('power loss');
  }

  restart(): void {
    // Whatever happened to the filter's file meanwhile, no settled id may be forgotten.
    this.#powerLost = this.config.JOURNAL_SYNC === 'always' && this.#dice.chance(0.3);
    if (this.#dice.chance(0.3)) this.#damageFilter();
    this.program?.die('restart');
  }

  heal(): void {
    if (this.program !== undefined) this.program.diesAtStep = Number.POSITIVE_INFINITY;
  }

  /** The payments that a next start would find. */
  inJournal(): string[] {
    return idsIn(this.#disk, this.config.RING_SLOTS);
  }

  /**
   * The later cell of a payment that is charged, and not recorded or recorded otherwise: the other
   * cell may say that it was never sent.
   */
  #damageCell(): void {
    const { weather, books } = this.#world;
    if (this.#disk.isBlank || !weather.strikes('cellDamaged')) return;
    const fit = pinnedCells(this.#disk, this.config.RING_SLOTS).filter(({ id }) => {
      // A torn cell has any id.
      const account = books.find(id);
      if (account?.isCharged !== true || account.lost) return false;
      return account.row === undefined || account.isForeign;
    });
    if (fit.length > 0) this.#disk.damage(this.#dice.pick(fit).at);
  }

  #damageFilter(): void {
    this.#filterDisk.loseBits(FILTER_HEADER_BYTES);
  }

  #loseUnsynced(): void {
    this.#world.weather.count('power lost');
    this.#disk.losePower();
    this.#filterDisk.losePower();
    this.#boots++;
  }

  #onDeath(how: string): void {
    const { weather, timeline } = this.#world;
    const { JOURNAL_SYNC } = this.config;
    // After a stop in order all is on the disk, where it is synced at all.
    const isSafe = JOURNAL_SYNC === 'always' || (JOURNAL_SYNC === 'interval' && how === 'stop');
    if (
      this.#powerLost ||
      (isSafe && !weather.healed && this.#dice.chance(weather.powerLossShare))
    ) {
      this.#loseUnsynced();
      this.#powerLost = false;
    }
    this.program = undefined;
    timeline.in(this.#dice.spread(1, weather.healed ? 100 : 5_000), () => this.start());
  }
}

/** The port call at which a life ends. */
export function throwDeath({ weather }: World, dice: Dice): number {
  if (weather.healed) return Number.POSITIVE_INFINITY;
  if (weather.crashEverySteps === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
  // Now and then during the recovery from the last one.
  if (dice.chance(0.1)) return dice.whole(1, 20);
  return 1 + dice.below(2 * weather.crashEverySteps);
}

/** Instances with a place and a journal's file each. */
export function fleetOf(members: readonly Instance[]): Fleet {
  const up = (instance: number): Instance | undefined =>
    members[instance]?.isUp === true ? members[instance] : undefined;
  return {
    members,
    instances: members.length,
    membersMove: false,
    running: (instance) => [up(instance) ?? []].flat(),
    reachedBy: (_, instance) => up(instance),
    inJournal: (instance) => members[instance]?.inJournal() ?? [],
    onlyLife: (instance) => members[instance]?.program,
    onContest: () => {},
    heal: () => {
      for (const member of members) member.heal();
    },
  };
}
