// A process's connection with the simulated database, in place of a pg.Client. Messages keep their
// order in each direction, and may be late; a statement that was sent runs even if its process has
// given it up or is dead. A client gives up a statement after its time-out, as `pg` does.

import type { Dice } from './dice.ts';
import type { Program } from './program.ts';
import { Backend, type Result, type Statement } from './simulated-backend.ts';
import type { SimulatedDatabase } from './simulated-database.ts';
import type { World } from './world.ts';

interface Asked extends Statement {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: Error) => void;
}

export interface SimulatedClientParts {
  readonly world: World;
  readonly dice: Dice;
  readonly database: SimulatedDatabase;
  readonly program: Program;
  readonly timeoutMs: number;
  readonly name: string;
}

type Listener = (argument: never) => void;

export class SimulatedClient {
  readonly #parts: SimulatedClientParts;
  readonly #listeners = new Map<string, Listener>();
  readonly #asked: Asked[] = [];
  #backend: Backend | undefined;
  /** The statement that the server has; it may have been given up. */
  #underWay: Asked | undefined;
  #isEnded = false;
  /** When the latest message arrives there, and here. */
  #thereAtMs = 0;
  #hereAtMs = 0;

  constructor(parts: SimulatedClientParts) {
    this.#parts = parts;
  }

  get name(): string {
    return this.#parts.name;
  }

  on(event: string, listener: Listener): void {
    this.#listeners.set(event, listener);
  }

  connect(): Promise<void> {
    const { world, database, program, timeoutMs } = this.#parts;
    return new Promise((resolve, reject) => {
      if (!program.step()) return;
      const deadline = program.later(timeoutMs, () => reject(new Error('timeout expired')));
      const isRefused = world.weather.strikes('shardConnectFails') || program.isRefused;
      this.#send(() => {
        const refused = isRefused || database.away;
        if (!refused) {
          this.#backend = new Backend(world, database, {
            process: program,
            onEnd: (why) => this.#receive(() => this.#lost(new Error(why))),
            onNews: () => this.#receive(() => this.#emit('notification')),
          });
        }
        this.#receive(() => {
          deadline.cancel();
          if (refused) reject(new Error('no connection'));
          else resolve();
        });
      });
    });
  }

  query(
    statement: string | Statement,
    values: readonly unknown[] = [],
  ): Promise<{ readonly rows: readonly unknown[] }> {
    const { program, timeoutMs } = this.#parts;
    const given = typeof statement === 'string' ? { text: statement, values } : statement;
    return new Promise((resolve, reject) => {
      if (!program.step()) return;
      if (this.#isEnded) return reject(new Error('Client was closed and is not queryable'));
      const deadline = program.later(timeoutMs, () => {
        const at = this.#asked.indexOf(asked);
        if (at >= 0) this.#asked.splice(at, 1);
        reject(new Error('Query read timeout'));
      });
      const asked: Asked = {
        ...given,
        resolve: (result) => {
          deadline.cancel();
          resolve(result);
        },
        reject: (error) => {
          deadline.cancel();
          reject(error);
        },
      };
      this.#asked.push(asked);
      this.#next();
    });
  }

  end(): Promise<void> {
    this.#isEnded = true;
    this.abandon();
    this.#parts.program.later(0, () => this.#lost(new Error('Connection terminated')));
    return Promise.resolve();
  }

  /** Its side of the connection is gone, which the server hears of if anything arrives there. */
  abandon(): void {
    this.#send(() => this.#backend?.abandon());
  }

  /** The server ends its session. */
  break(): void {
    this.#backend?.end('broken');
  }

  /** The server has heard nothing of the client for so long that it ends an idle session. */
  isMissed(): void {
    const { program } = this.#parts;
    if (!program.alive || program.isCutOff) this.#backend?.abandon();
  }

  #next(): void {
    if (this.#underWay !== undefined) return;
    const asked = this.#asked.shift();
    if (asked === undefined) return;
    this.#underWay = asked;
    this.#send(() => {
      this.#backend?.run(asked, (result) =>
        this.#receive(() => {
          this.#underWay = undefined;
          if (result.warning !== undefined) {
            this.#emit('notice', { severity: 'WARNING', message: result.warning });
          }
          asked.resolve(result);
          this.#next();
        }),
      );
    });
  }

  #lost(error: Error): void {
    const wasEnded = this.#isEnded;
    this.#isEnded = true;
    const asked = [this.#underWay ?? [], this.#asked.splice(0)].flat();
    this.#underWay = undefined;
    for (const { reject } of asked) reject(error);
    if (!wasEnded) this.#emit('error', error);
    this.#emit('end');
  }

  #emit(event: string, argument?: unknown): void {
    this.#listeners.get(event)?.(argument as never);
  }

  #send(arrive: () => void): void {
    const { world } = this.#parts;
    const { nowMs } = world.timeline;
    this.#thereAtMs = Math.max(this.#thereAtMs, nowMs + this.#travelMs());
    world.fly(this.#thereAtMs - nowMs, arrive);
  }

  #receive(arrive: () => void): void {
    const { world, program } = this.#parts;
    const { nowMs } = world.timeline;
    this.#hereAtMs = Math.max(this.#hereAtMs, nowMs + this.#travelMs());
    program.later(this.#hereAtMs - nowMs, arrive);
  }

  /** What can't get through now is sent again until it does. */
  #travelMs(): number {
    const { world, dice, program, database } = this.#parts;
    const { timeline, weather } = world;
    const lateMs = weather.strikes('messageLate') ? dice.spread(5, 20_000) : 0;
    const cutOffMs = Math.max(0, program.cutOffUntilMs - timeline.nowMs);
    return lateMs + cutOffMs + dice.between(0.1, 1) * database.travelMs;
  }
}
