// The latency of intake while a backlog is drained, next to calm. The load comes from a process of
// its own, so that nothing here delays it.

import { setTimeout as sleep } from 'node:timers/promises';
import { msUntil } from '../tools/compose/running.ts';
import { quantile } from '../tools/load/open-loop.ts';
import { markdownTable, spread } from './report.ts';
import { chargedCount } from './sustained/charged-count.ts';
import { Generated } from './sustained/generated.ts';
import type { Stage } from './sustained/stage.ts';
import { openStage } from './sustained/sustained.ts';

const RATE = 550;
const WINDOW_MS = 8_000;
const BACKLOG = { rate: 1_000, durationMs: 10_000 } as const;
const CONNECTIONS_MAX = 1_000;
const LOOK_MS = 200;
/** What came in last isn't charged yet. */
const JUST_CAME = RATE * 0.1;
const SETTLE_MS_MAX = 180_000;

/** Prints the table. @throws Error unless exactly what was accepted is charged in the end */
export async function measureDrain(files: readonly string[], rounds: number): Promise<void> {
  const stage = await openStage(files);
  try {
    await new Drain(stage).measure(rounds);
  } finally {
    await stage.close();
  }
}

class Drain {
  readonly #stage: Stage;
  #accepted = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async measure(rounds: number): Promise<void> {
    const calm: number[] = [];
    const again: number[] = [];
    const draining: number[] = [];
    const drainedS: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      await this.#load(RATE, WINDOW_MS / 2);
      calm.push(await this.#load(RATE, WINDOW_MS));
      again.push(await this.#load(RATE, WINDOW_MS));
      await this.#makeBacklog();
      let drained: Promise<number> | undefined;
      const startDrain = async (): Promise<void> => {
        await this.#stage.endpoints.setLevers({ delayMs: 0, failing: false });
        drained = this.#secondsToDrain();
      };
      draining.push(await this.#load(RATE, WINDOW_MS, startDrain));
      drainedS.push((await drained) ?? Number.NaN);
      const figures = [calm, again, draining].map((of) => of.at(-1)?.toFixed(2)).join(', ');
      console.error(`round ${round}: p99 ${figures} ms; drained in ${drainedS.at(-1)} s`);
    }
    await this.#untilCharged();
    const row = (name: string, of: readonly number[]): string[] => {
      const ratios = of.map((value, round) => value / (calm[round] ?? Number.NaN));
      return [name, spread(of, 2), spread(ratios, 2)];
    };
    const rows = [row('calm', calm), row('calm again', again), row('drain', draining)];
    console.log(markdownTable([`intake of ${RATE}/s`, 'p99 ms', 'ratio to calm'], rows));
    console.log(`\nThe backlog was charged in ${spread(drainedS, 1)} s, beside that intake.`);
  }

  /** The p99 of the answers, in ms. `before` is called when the generator is ready. */
  async #load(
    rate: number,
    durationMs: number,
    before = (): Promise<void> => Promise.resolve(),
  ): Promise<number> {
    const load = { to: this.#stage.to, rate, durationMs, connectionsMax: CONNECTIONS_MAX };
    const generated = await Generated.prepare({ ...load, slowMs: durationMs }, () => {});
    await before();
    generated.start();
    const { sent, statuses, latenciesMs } = (await generated.finished).record;
    const accepted = statuses.filter((status) => status === 202).length;
    if (accepted < sent) throw new Error(`${sent - accepted} of ${sent} payments are not accepted`);
    this.#accepted += accepted;
    return quantile(latenciesMs.subarray(0, sent).toSorted(), 0.99);
  }

  async #makeBacklog(): Promise<void> {
    const { endpoints } = this.#stage;
    await this.#untilCharged();
    await endpoints.setLevers({ delayMs: 0, failing: true });
    await this.#load(BACKLOG.rate, BACKLOG.durationMs);
  }

  /** Until what came before about a tenth of a second is charged. */
  async #secondsToDrain(): Promise<number> {
    const [startMs, backlog] = [performance.now(), this.#accepted];
    for (;;) {
      await sleep(LOOK_MS);
      const passedMs = performance.now() - startMs;
      const due = backlog + (Math.min(passedMs, WINDOW_MS) * RATE) / 1_000;
      const charged = await chargedCount(this.#stage.endpoints);
      if (charged >= due - JUST_CAME) return Math.round(passedMs / 100) / 10;
    }
  }

  async #untilCharged(): Promise<void> {
    await msUntil('every payment is charged', SETTLE_MS_MAX, async () => {
      const charged = await chargedCount(this.#stage.endpoints);
      if (charged > this.#accepted && charged < Infinity) {
        throw new Error(`${charged} are charged, ${this.#accepted} were accepted`);
      }
      return charged === this.#accepted;
    });
  }
}
