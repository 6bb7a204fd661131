// The payments on disk, one line each ("id cents milliseconds"), so that they survive a kill -9 of
// the simulator. The kernel has a line before `append` returns. A last line without its end was
// never acknowledged and is removed.

import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { Charge } from '../../src/payment.ts';

const LINE = /^([0-9a-f-]{36}) (-?\d+) (-?\d+)$/;

export class StateFile {
  readonly #descriptor: number;

  constructor(path: string) {
    this.#descriptor = openSync(path, 'a+');
  }

  /** All whole lines. Call it before the first append. */
  read(): Charge[] {
    const text = readFileSync(this.#descriptor, 'latin1');
    const end = text.lastIndexOf('\n') + 1;
    if (end < text.length) ftruncateSync(this.#descriptor, end);
    return text.slice(0, end).split('\n').slice(0, -1).map(chargeOfLine);
  }

  append(charge: Charge): void {
    const line = `${charge.correlationId} ${charge.amountCents} ${charge.requestedAtMs}\n`;
    const written = writeSync(this.#descriptor, line, null, 'latin1');
    if (written !== line.length) throw new Error('the state file took only a part of a line');
  }

  clear(): void {
    ftruncateSync(this.#descriptor, 0);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

function chargeOfLine(line: string): Charge {
  const [, correlationId, cents, milliseconds] = LINE.exec(line) ?? [];
  if (correlationId === undefined) throw new Error(`not a line of a state file: ${line}`);
  return { correlationId, amountCents: Number(cents), requestedAtMs: Number(milliseconds) };
}
