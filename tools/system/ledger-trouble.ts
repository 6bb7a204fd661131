// What the instances say of a ledger that they can't use, for the terminal: it would stand in their
// logs alone, while the start waits.

import { readFileSync } from 'node:fs';

export class LedgerTrouble {
  /** The last one; undefined: there was none. */
  last: string | undefined;
  readonly #logPaths: readonly string[];
  readonly #told = new Set<string>();

  constructor(logPaths: readonly string[]) {
    this.#logPaths = logPaths;
  }

  /** What was not told yet. */
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
    // It has not begun.
    return [];
  }
}

function troubleIn(line: string): string | undefined {
  if (!line.includes('"event":"ledger un')) return undefined;
  try {
    const said = JSON.parse(line) as Readonly<Record<string, string>>;
    const { event, setting, cause, message } = said;
    return `${event} (${setting}): ${cause}${message === cause ? '' : `: ${message}`}`;
  } catch {
    // Half a line: the rest comes later.
    return undefined;
  }
}
