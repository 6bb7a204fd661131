// An instance over all its lives: it is started, dies at some step or with the power, is stopped in order, and starts again
// from what its disk has.

import { HEADER_BYTES, Journal, JournalError, SLOT_BYTES } from '../../src/buffer/journal.ts';
import { Ring } from '../../src/buffer/ring.ts';
import type { Config } from '../../src/config.ts';
import type { Ports } from '../../src/ports.ts';
import type { Dice } from './dice.ts';
import { Program } from './program.ts';
import { pinnedCells, SimulatedDisk } from './simulated-disk.ts';
import type { SimulatedLedger } from './simulated-ledger.ts';
import type { SimulatedProcessor } from './simulated-processor.ts';
import type { World } from './world.ts';

export interface InstanceParts {
  readonly world: World;
  readonly config: Config;
  readonly processors: readonly [SimulatedProcessor, SimulatedProcessor];
  readonly ledger: SimulatedLedger;
  readonly offer: (from: Program) => Ports['offer'];
}

export class Instance {
  program: Program | undefined;
  clockOffMs = 0;
  readonly config: Config;
  readonly #parts: InstanceParts;
  readonly #world: World;
  readonly #dice: Dice;
  readonly #disk: SimulatedDisk;
  readonly #acknowledged = new Set<string>();
  #powerLost = false;

  constructor(parts: InstanceParts) {
    this.#parts = parts;
    this.#world = parts.world;
    this.config = parts.config;
    this.#dice = parts.world.dice.fork();
    const bytes = HEADER_BYTES + parts.config.RING_SLOTS * SLOT_BYTES;
    this.#disk = new SimulatedDisk(bytes, parts.config.JOURNAL_SYNC !== 'never', parts.world.dice);
  }

  /** Takes calls. */
  get isUp(): boolean {
    return this.program?.alive === true && !this.program.stopping;
  }

  start(): void {
    const program = new Program({
      ...this.#parts,
      disk: this.#disk,
      clockOffMs: () => this.clockOffMs,
      diesAtStep: this.#throwDeath(),
      onDeath: (how) => this.#onDeath(how),
      acknowledged: this.#acknowledged,
    });
    if (!program.alive) return;
    this.#damageCell();
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

  /** Ends in order, as after SIGTERM. */
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
    this.#powerLost = true;
    this.program?.die('power loss');
  }

  /** From now on it doesn't crash. */
  heal(): void {
    if (this.program !== undefined) this.program.diesAtStep = Number.POSITIVE_INFINITY;
  }

  /** The payments that a next start would find. */
  inJournal(): string[] {
    const ring = new Ring(this.config.RING_SLOTS, 1);
    const file = {
      read: (buffer: Uint8Array, at: number) => this.#disk.read(buffer, at),
      write: () => {},
      sync: () => Promise.resolve(),
    };
    const { slots } = new Journal(file, ring, 'never').recover();
    return slots.map((slot) => ring.idText(slot));
  }

  /**
   * The later cell of a payment that is charged and not recorded: the other one may say that it was
   * never sent.
   */
  #damageCell(): void {
    const { weather, books } = this.#world;
    if (this.#disk.isBlank || !weather.strikes('cellDamaged')) return;
    const fit = pinnedCells(this.#disk, this.config.RING_SLOTS).filter(({ id }) => {
      // A torn cell has any id.
      const account = books.find(id);
      return account?.isCharged === true && account.row === undefined && !account.lost;
    });
    if (fit.length > 0) this.#disk.damage(this.#dice.pick(fit).at);
  }

  #throwDeath(): number {
    const { weather } = this.#world;
    if (weather.healed) return Number.POSITIVE_INFINITY;
    if (weather.crashEverySteps === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
    // Now and then during the recovery from the last one.
    if (this.#dice.chance(0.1)) return this.#dice.whole(1, 20);
    return 1 + this.#dice.below(2 * weather.crashEverySteps);
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
      weather.count('power lost');
      this.#disk.losePower();
      this.#powerLost = false;
    }
    this.program = undefined;
    timeline.in(this.#dice.spread(1, weather.healed ? 100 : 5_000), () => this.start());
  }
}
