// The last line of a terminal: how the system is doing, drawn again and again in place. Messages go above it.

import { decimalFromCents } from '../../src/cents.ts';
import { ask } from './ask.ts';

/** Charged since the instance's start. */
interface Held {
  readonly payments: number;
  /** A sum may exceed a safe integer. */
  readonly cents: string;
}

interface Status {
  readonly accepted: number;
  readonly queued: number;
  readonly inFlight: number;
  readonly default: Held;
  readonly fallback: Held;
}

const EVERY_MS = 500;
const CLEAR = '\r\u001b[2K';

export class LiveLine {
  readonly #socketPaths: readonly string[];
  readonly #accepted: number[] = [];
  #drawn = false;
  #timer: NodeJS.Timeout | undefined;
  #lastMs = performance.now();

  constructor(socketPaths: readonly string[]) {
    this.#socketPaths = socketPaths;
  }

  /** Draws only where there is a terminal to draw on. */
  start(): void {
    if (process.stdout.isTTY) this.#schedule();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#wipe();
  }

  /** Writes a message, on stderr. */
  say(line: string): void {
    this.#wipe();
    process.stderr.write(`${line}\n`);
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#draw().catch(() => {});
    }, EVERY_MS);
  }

  async #draw(): Promise<void> {
    const asked = await Promise.all(this.#socketPaths.map(readStatus));
    if (!this.#timer) return;
    const line = this.#describe(asked);
    process.stdout.write(`${CLEAR}${line.slice(0, (process.stdout.columns || 80) - 1)}`);
    this.#drawn = true;
    this.#schedule();
  }

  #describe(asked: readonly (Status | undefined)[]): string {
    const nowMs = performance.now();
    let [taken, queued, inFlight] = [0, 0, 0];
    const sums = { default: new Sum(), fallback: new Sum() };
    for (const [number, status] of asked.entries()) {
      if (!status) continue;
      // An instance that was started again counts from 0.
      taken += Math.max(0, status.accepted - (this.#accepted[number] ?? status.accepted));
      this.#accepted[number] = status.accepted;
      queued += status.queued;
      inFlight += status.inFlight;
      sums.default.add(status.default);
      sums.fallback.add(status.fallback);
    }
    const perSecond = Math.round((taken * 1000) / (nowMs - this.#lastMs));
    this.#lastMs = nowMs;
    return (
      `accepted ${perSecond}/s  queued ${queued}  in flight ${inFlight}  ` +
      `default ${sums.default.describe()}  fallback ${sums.fallback.describe()}`
    );
  }

  #wipe(): void {
    if (this.#drawn) process.stdout.write(CLEAR);
    this.#drawn = false;
  }
}

class Sum {
  #payments = 0;
  #cents = 0n;

  add({ payments, cents }: Held): void {
    this.#payments += payments;
    this.#cents += BigInt(cents);
  }

  describe(): string {
    return `${this.#payments} (${decimalFromCents(this.#cents)})`;
  }
}

async function readStatus(socketPath: string): Promise<Status | undefined> {
  try {
    const { status, body } = await ask(socketPath, '/internal/status');
    return status === 200 ? (JSON.parse(body) as Status) : undefined;
  } catch {
    return undefined;
  }
}
