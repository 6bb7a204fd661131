// The clock of a simulated process: the timeline, and a wall clock that is off. Each use is a step.
// And its CPU, of which other work takes a part until nothing goes wrong any more.

import type { Clock } from '../../src/clock.ts';
import type { Cpu } from '../../src/cpu.ts';
import type { Program } from './program.ts';
import type { World } from './world.ts';

/** 2026-01-01 */
const EPOCH_MS = 1_767_225_600_000;

export function clockOf({ timeline }: World, program: Program, clockOffMs: () => number): Clock {
  const { dice } = program;
  return {
    now: () => {
      program.step();
      return Math.floor(EPOCH_MS + timeline.nowMs + clockOffMs());
    },
    elapsed: () => timeline.nowMs,
    after: (delayMs, run) => {
      program.step();
      return program.later(delayMs + dice.between(0, 1.5), run);
    },
    soon: (run) => {
      program.step();
      program.later(dice.between(0, 0.05), run);
    },
    random: () => dice.between(0, 1),
  };
}

export function cpuOf({ timeline, weather }: World): Cpu {
  return {
    usedMs: () => weather.cpuShare * Math.min(timeline.nowMs, weather.healAtMs),
    cores: () => 1,
  };
}
