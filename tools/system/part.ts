// One part of the system: its process, whether it answers, and its restart when it dies.
//
//   launched ─answers─▶ up
//   launched, up ─process ends─▶ rests, longer each time ─▶ launched
//   any of these ─stop─▶ stopped    (nothing starts it again)

import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { lastWords } from './last-words.ts';
import { StartError } from './settings.ts';
import { ended, hasEnded, killGroup, signal, spawnTethered, stop, type User } from './tethered.ts';

/** How a process is ended. */
interface Ending {
  /** Ends it in good order. */
  readonly stopSignal: NodeJS.Signals;
  readonly stopWithinMs: number;
  /** Ends it at once, without damage to its files. */
  readonly hastySignal: NodeJS.Signals;
  /** The kernel sends it when this process is killed. */
  readonly deathSignal: NodeJS.Signals;
}

export interface PartPlan extends Ending {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly user?: User | undefined;
  /** The network namespace that it runs in, if it is another one. */
  readonly namespace?: string;
  readonly logPath: string;
  /** Whether it works; a rejection counts as false. */
  readonly isUp: () => Promise<boolean>;
}

const UP_WITHIN_MS = 60_000;
const ASK_EVERY_MS = 20;
const REST_FIRST_MS = 100;
const REST_MAX_MS = 5_000;
/** After a part has lived so long, its next pause is the first one again. */
const STABLE_MS = 10_000;
/** A killed predecessor may still hold a port or a lock: the first start is tried again. */
const FIRST_TRIES = 5;

export class Part {
  readonly name: string;
  readonly #plan: PartPlan;
  readonly #say: (line: string) => void;
  readonly #stopping = new AbortController();
  #child: ChildProcess | undefined;
  #watch: Promise<void> = Promise.resolve();

  constructor(plan: PartPlan, say: (line: string) => void) {
    this.name = plan.name;
    this.#plan = plan;
    this.#say = say;
  }

  /** Resolves when it answers or `stop` came first. @throws StartError when it can't start. */
  async start(): Promise<void> {
    for (let tries = 1; !this.#stopping.signal.aborted; tries++) {
      const child = this.#launch();
      if (await this.#comesUp(child)) {
        this.#watch = this.#keepUp(child);
        return;
      }
      if (this.#stopping.signal.aborted) return;
      if (!hasEnded(child) || tries === FIRST_TRIES) {
        throw new StartError(`${this.name} did not start: ${this.#lastWords()}`);
      }
      await this.#rest(REST_FIRST_MS * tries);
    }
  }

  /** Ends it in good order, and by force when that takes too long. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    if (this.#child) await stop(this.#child, this.#plan.stopSignal, this.#plan.stopWithinMs);
    await this.#watch;
  }

  /** Makes the `stop` that is under way, or comes next, quick. */
  hasten(): void {
    this.#stopping.abort();
    if (this.#child) signal(this.#child, this.#plan.hastySignal);
  }

  /** Ends it as a power failure would; nothing starts it again. */
  kill(): void {
    this.#stopping.abort();
    if (this.#child) killGroup(this.#child);
  }

  /** Signals its process and goes on: SIGSTOP, SIGCONT, or a signal that ends it once. */
  signal(name: NodeJS.Signals): void {
    if (this.#child) signal(this.#child, name);
  }

  #launch(): ChildProcess {
    const { command, environment, user, namespace, deathSignal, logPath } = this.#plan;
    const log = openSync(logPath, 'a');
    const stdio: ('ignore' | number)[] = ['ignore', log, log];
    this.#child = spawnTethered(command, { deathSignal, stdio, environment, user, namespace });
    closeSync(log);
    return this.#child;
  }

  /** False when it ends first, takes too long, or `stop` comes. */
  async #comesUp(child: ChildProcess): Promise<boolean> {
    const deadline = performance.now() + UP_WITHIN_MS;
    while (!hasEnded(child) && !this.#stopping.signal.aborted && performance.now() < deadline) {
      const up = await this.#plan.isUp().catch(() => false);
      if (up && !hasEnded(child)) return true;
      await this.#rest(ASK_EVERY_MS);
    }
    return false;
  }

  /** Until `stop`: waits for the process to end, rests, and starts it again. */
  async #keepUp(first: ChildProcess): Promise<void> {
    let child = first;
    let restMs = REST_FIRST_MS;
    for (;;) {
      const upMs = performance.now();
      const outcome = await ended(child);
      if (this.#stopping.signal.aborted) return;
      // Its children, such as nginx's worker, would be in the way.
      killGroup(child);
      if (performance.now() - upMs > STABLE_MS) restMs = REST_FIRST_MS;
      this.#say(`${this.name} ended (${outcome}) and starts again in ${restMs} ms`);
      await this.#rest(restMs);
      if (this.#stopping.signal.aborted) return;
      restMs = Math.min(restMs * 2, REST_MAX_MS);
      child = this.#launch();
      if (await this.#comesUp(child)) this.#say(`${this.name} is back`);
    }
  }

  /** Ends early when `stop` comes. */
  async #rest(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }

  #lastWords(): string {
    const { logPath } = this.#plan;
    const last = lastWords(readFileSync(logPath, 'utf8'));
    return `${last || 'it does not answer'} (log: ${logPath})`;
  }
}
