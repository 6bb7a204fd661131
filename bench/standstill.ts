// How long two instances need until payments are answered as before, after they stood still in
// turn: while one of them does, nginx sends its payments to the other one, which holds them for it.
// Alone on the machine, and beside processes that want all of its CPU.

import { spawn, type ChildProcess } from 'node:child_process';
import { openWorld, type World } from '../test/world/world.ts';
import { readCommandLine } from '../tools/command-line.ts';
import { openLoop } from '../tools/load/open-loop.ts';
import { STANDSTILL } from './benchmarks.ts';
import { markdownTable, measureInTurn, spread } from './report.ts';

const { rate, rounds, stops, after } = readCommandLine({
  ...STANDSTILL,
  words: {
    rate: { about: 'payments per second', preset: 500, least: 1 },
    rounds: { about: 'rounds', preset: 3, least: 1 },
  },
  options: {
    stops: { about: 'how often one of them is stopped', preset: 10, least: 1 },
    after: { about: 'seconds that are measured afterwards', preset: 30, least: 1 },
  },
});
const CALM_MS = 3_000;
/** Longer than nginx waits for an answer to a payment (1 s). */
const STOP_MS = 1_500;
/** A second of load is as before if this share of it was answered 202 as quickly as that. */
const [GOOD_SHARE, GOOD_MS] = [0.95, 250];

/** How many processes want the CPU. */
const ARMS: Readonly<Record<string, number>> = { none: 0, 6: 6 };

interface Measured {
  /** Seconds from the last stop on. */
  readonly answersAfterS: number;
  readonly handedOverAfterS: number;
  /** Of the payments of that time, in percent. */
  readonly accepted: number;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** In a session of its own, each has as large a share of the CPU as an instance. */
const busy = (): ChildProcess =>
  spawn('sh', ['-c', 'while :; do :; done'], { detached: true, stdio: 'ignore' });

async function standStill(world: World): Promise<void> {
  for (let n = 0; n < stops; n++) {
    const { program } = world.instance(n % 2);
    program.signal('SIGSTOP');
    await sleep(STOP_MS);
    program.signal('SIGCONT');
  }
}

/** Resolves with when nothing was held for another instance, in seconds from now. */
async function handedOver(world: World): Promise<number> {
  const beganMs = performance.now();
  for (;;) {
    const each = await Promise.all(world.instances.map((instance) => instance.status()));
    const seconds = (performance.now() - beganMs) / 1_000;
    if (seconds >= after || each.every(({ foreign }) => foreign === 0)) return seconds;
    await sleep(100);
  }
}

async function measure(hogs: number): Promise<Measured> {
  await using world = await openWorld({ instances: 2 });
  const { hostname: host, port } = new URL(world.front.url);
  const due = new Map<string, number>();
  const [seconds, goods] = [new Map<number, number>(), new Map<number, number>()];
  let accepted = 0;
  let overMs = Infinity;
  const children = Array.from({ length: hogs }, busy);
  try {
    const load = openLoop({
      to: { host, port: Number(port) },
      rate,
      durationMs: CALM_MS + stops * STOP_MS + after * 1_000,
      onDue: (id, dueAtMs) => due.set(id, dueAtMs),
      onAnswer: (id, status, latencyMs) => {
        const second = Math.floor(((due.get(id) as number) - overMs) / 1_000);
        if (second < 0) return;
        seconds.set(second, (seconds.get(second) ?? 0) + 1);
        if (status === 202) accepted++;
        if (status === 202 && latencyMs <= GOOD_MS) goods.set(second, (goods.get(second) ?? 0) + 1);
      },
    });
    await sleep(CALM_MS);
    await standStill(world);
    overMs = Date.now();
    const handedOverAfterS = await handedOver(world);
    await load;
    const isGood = (second: number): boolean =>
      (goods.get(second) ?? 0) >= GOOD_SHARE * (seconds.get(second) ?? Infinity);
    // The first second of which all that follow are good.
    let answersAfterS = after;
    while (answersAfterS > 0 && isGood(answersAfterS - 1)) answersAfterS--;
    const all = [...seconds.values()].reduce((sum, count) => sum + count, 0);
    return { answersAfterS, handedOverAfterS, accepted: (100 * accepted) / all };
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
}

const measured = await measureInTurn(ARMS, rounds, measure);
const rows = [...measured].map(([name, of]) => [
  name,
  spread(
    of.map(({ answersAfterS }) => answersAfterS),
    0,
  ),
  spread(
    of.map(({ handedOverAfterS }) => handedOverAfterS),
    1,
  ),
  spread(
    of.map(({ accepted }) => accepted),
    1,
  ),
]);
const head = ['busy processes', 'answers as before after s', 'handed over after s', '202, %'];
console.log(`${rate} payments/s, ${stops} stops, ${rounds} rounds: median (min to max)\n`);
console.log(markdownTable(head, rows));
