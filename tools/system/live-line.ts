// The last line of the terminal shows the state of the system and is redrawn in place. Messages go
// above it.

import { ask } from './ask.ts';

/** Of all payments that the ledger has. */
interface Totals {
  readonly totalRequests: number;
  readonly totalAmount: number;
}

interface Summary {
  readonly default: Totals;
  readonly fallback: Totals;
}

interface Status {
  readonly accepted: number;
  readonly held: number;
  readonly queued: number;
  readonly unknown: number;
  readonly aside: number;
}

interface Ready {
  readonly degraded: readonly string[];
}

const NOTHING: Totals = { totalRequests: 0, totalAmount: 0 };
const EVERY_MS = 500;
const CLEAR = '\r\u001b[2K';
const YELLOW = '\u001b[33m';
const PLAIN = '\u001b[0m';

export class LiveLine {
  readonly #socketPaths: readonly string[];
  readonly #accepted: number[] = [];
  #summary: Summary = { default: NOTHING, fallback: NOTHING };
  #drawn = false;
  #timer: NodeJS.Timeout | undefined;
  #lastMs = performance.now();

  constructor(socketPaths: readonly string[]) {
    this.#socketPaths = socketPaths;
  }

  /** Draws only on a terminal. */
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
    const paths = this.#socketPaths;
    const asked = await Promise.all(paths.map((path) => read<Status>(path, '/internal/status')));
    const ready = await Promise.all(paths.map((path) => read<Ready>(path, '/internal/ready')));
    const degraded = new Set(ready.flatMap((each) => each?.degraded ?? ['an instance is away']));
    // Any instance knows what all have recorded. Without an answer the last sums stay.
    this.#summary = (await read<Summary>(paths[0] ?? '', '/payments-summary')) ?? this.#summary;
    if (!this.#timer) return;
    process.stdout.write(CLEAR + fit(this.#describe(asked, degraded)));
    this.#drawn = true;
    this.#schedule();
  }

  #describe(asked: readonly (Status | undefined)[], degraded: Set<string>): Word[] {
    const nowMs = performance.now();
    let [taken, held, queued, unknown, aside] = [0, 0, 0, 0, 0];
    for (const [number, status] of asked.entries()) {
      if (!status) continue;
      // An instance that was started again counts from 0.
      taken += Math.max(0, status.accepted - (this.#accepted[number] ?? status.accepted));
      this.#accepted[number] = status.accepted;
      held += status.held;
      queued += status.queued;
      unknown += status.unknown;
      aside += status.aside;
    }
    const perSecond = Math.round((taken * 1000) / (nowMs - this.#lastMs));
    this.#lastMs = nowMs;
    const words: Word[] = [
      { text: `accepted ${perSecond}/s` },
      { text: `held ${held}` },
      { text: `queued ${queued}` },
      { text: `unknown ${unknown}`, isWarning: unknown > 0 },
      { text: `aside ${aside}`, isWarning: aside > 0 },
    ];
    for (const name of ['default', 'fallback'] as const) {
      const isFailing = degraded.delete(`${name} fails`);
      const state = isFailing ? ' fails' : '';
      words.push({
        text: `${name}${state} ${describe(this.#summary[name])}`,
        isWarning: isFailing,
      });
    }
    // Warnings first: a narrow terminal cuts the end.
    const warnings = [...degraded].map((text) => ({ text, isWarning: true }));
    return [...warnings, ...words.toSorted((one, other) => orderOf(one) - orderOf(other))];
  }

  #wipe(): void {
    if (this.#drawn) process.stdout.write(CLEAR);
    this.#drawn = false;
  }
}

interface Word {
  readonly text: string;
  readonly isWarning?: boolean;
}

const orderOf = ({ isWarning = false }: Word): number => (isWarning ? 0 : 1);

/** As many of the words as a line of the terminal has room for. */
function fit(words: readonly Word[]): string {
  let room = (process.stdout.columns || 80) - 1;
  let line = '';
  for (const { text, isWarning = false } of words) {
    const shown = text.slice(0, Math.max(0, room));
    line += isWarning ? `${YELLOW}${shown}${PLAIN}  ` : `${shown}  `;
    room -= text.length + 2;
    if (room <= 0) break;
  }
  return line.trimEnd();
}

const describe = ({ totalRequests, totalAmount }: Totals): string =>
  `${totalRequests} (${totalAmount.toFixed(2)})`;

async function read<T>(socketPath: string, path: string): Promise<T | undefined> {
  try {
    const { status, body } = await ask(socketPath, path);
    return status === 200 ? (JSON.parse(body) as T) : undefined;
  } catch {
    return undefined;
  }
}
