// Tells the terminal why a start waits: what the instances log about a ledger that they can't use,
// or disagree with.

import { readFileSync } from 'node:fs';

export class LedgerTrouble {
  /** The last trouble; undefined if there was none. */
  last: string | undefined;
  readonly #logPaths: readonly string[];
  readonly #told = new Set<string>();

  constructor(logPaths: readonly string[]) {
    this.#logPaths = logPaths;
  }

  /** The troubles since the last call. */
  fresh(): readonly string[] {
    const fresh: string[] = [];
    for (const line of this.#logPaths.flatMap(linesOf)) {
      const text = troubleIn(line);
      if (text === undefined || this.#told.has(text)) continue;
      this.#told.add(text);
      this.last = text;
      fresh.push(text);
    }
    return fresh;
  }
}

function linesOf(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    // The log is not there yet.
    return [];
  }
}

const EVENTS = ['"event":"ledger un', '"event":"disagreement"'];

function troubleIn(line: string): string | undefined {
  if (!EVENTS.some((event) => line.includes(event))) return undefined;
  try {
    return textOf(JSON.parse(line) as Said);
  } catch {
    // Half a line: the rest comes later.
    return undefined;
  }
}

type Said = Readonly<Record<string, string | undefined>>;

/** The parts that the line has. */
function textOf({ event, setting, cause, message, reason, here, there, wayOn }: Said): string {
  const what = setting === undefined ? event : `${event} (${setting})`;
  const why = new Set([cause, message, reason].filter(Boolean));
  const sides = [here, there].filter(Boolean).join('; ');
  const parts = [what, ...why].concat(sides || [], wayOn ? `way on: ${wayOn}` : []);
  return parts.join(': ');
}
