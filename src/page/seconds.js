// The history: a row for each of the last ten minutes' seconds. A later snapshot may complete
// a row.

const SECONDS = 600;

export class Seconds {
  #rows = new Map();
  /** The newest second, since the epoch; 0 without a row. */
  newest = 0;

  /** Takes the rows of a snapshot's history. */
  add({ seconds, columns }) {
    for (const [index, second] of seconds.entries()) {
      const row = {};
      for (const [name, cells] of Object.entries(columns)) row[name] = cells[index];
      this.#rows.set(second, row);
      this.newest = Math.max(this.newest, second);
    }
    for (const second of this.#rows.keys()) {
      if (second <= this.newest - SECONDS) this.#rows.delete(second);
    }
  }

  /** The values of a column in the last `seconds` seconds, oldest first; null where none is. */
  column(name, seconds) {
    const first = this.newest - seconds + 1;
    return Array.from({ length: seconds }, (_, at) => this.#rows.get(first + at)?.[name] ?? null);
  }

  /** The mean of the last `seconds` seconds; null if none has a value. */
  mean(name, seconds) {
    const values = this.column(name, seconds).filter((value) => value !== null);
    if (values.length === 0) return null;
    return values.reduce((sum, value) => sum + value, 0) / values.length;
  }
}
