// An open-loop load: payments leave on schedule, whether earlier ones were answered or not, so that a stall shows in the latency of
// all that were due meanwhile. Bytes by hand on kept-alive connections: the generator must cost less than what it measures.

import { randomUUID } from 'node:crypto';
import { connect, type NetConnectOpts, type Socket } from 'node:net';

export interface Load {
  readonly to: NetConnectOpts;
  /** Payments per second. */
  readonly rate: number;
  readonly durationMs: number;
  /** Is told the id of each payment, and when it was due, ms since the epoch. */
  readonly onDue?: (correlationId: string, dueAtMs: number) => void;
}

export interface LoadResult {
  /** Per answered payment, from when it was due; sorted. */
  readonly latenciesMs: readonly number[];
  /** How many answers of each status; 0 for those that never came. */
  readonly statuses: ReadonlyMap<number, number>;
  /** Refusals (503) that don't say when to come again. */
  readonly bareRefusals: number;
}

const BODY_AMOUNT = '19.90';
const TICK_MS = 1;
const LAST_ANSWER_MS = 5_000;

class Connection {
  readonly #socket: Socket;
  #onAnswer: (status: number, head: string) => void = () => {};

  constructor(to: NetConnectOpts) {
    this.#socket = connect(to);
    this.#socket.setNoDelay(true);
    // An answer to a payment is short: it comes in one piece.
    this.#socket.on('data', (chunk) => {
      const head = chunk.toString('latin1');
      this.#onAnswer(Number(head.slice(9, 12)), head);
    });
    this.#socket.on('error', () => this.#onAnswer(0, ''));
  }

  send(bytes: string, onAnswer: (status: number, head: string) => void): void {
    this.#onAnswer = onAnswer;
    this.#socket.write(bytes, 'latin1');
  }

  close(): void {
    this.#socket.destroy();
  }
}

function requestBytes(correlationId: string): string {
  const body = `{"correlationId":"${correlationId}","amount":${BODY_AMOUNT}}`;
  return `POST /payments HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** Runs one load; resolves when every payment is answered, or some seconds after the last one left. */
export function openLoop({ to, rate, durationMs, onDue }: Load): Promise<LoadResult> {
  const total = Math.round((rate * durationMs) / 1_000);
  const idle: Connection[] = [];
  const all: Connection[] = [];
  const latenciesMs: number[] = [];
  const statuses = new Map<number, number>();
  const startMs = performance.now();
  let sent = 0;
  let answered = 0;
  let bareRefusals = 0;

  return new Promise((resolve) => {
    const finish = (): void => {
      clearInterval(ticks);
      for (const connection of all) connection.close();
      if (answered < total) statuses.set(0, (statuses.get(0) ?? 0) + total - answered);
      resolve({ latenciesMs: latenciesMs.toSorted((a, b) => a - b), statuses, bareRefusals });
    };
    const sendOne = (dueMs: number): void => {
      let connection = idle.pop();
      if (connection === undefined) {
        connection = new Connection(to);
        all.push(connection);
      }
      const used = connection;
      const correlationId = randomUUID();
      onDue?.(correlationId, performance.timeOrigin + dueMs);
      used.send(requestBytes(correlationId), (status, head) => {
        latenciesMs.push(performance.now() - dueMs);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (status === 503 && !/\r\nRetry-After: \d+\r\n/i.test(head)) bareRefusals++;
        if (!isLast(status, head)) idle.push(used);
        if (++answered === total) finish();
      });
    };
    const ticks = setInterval(() => {
      const now = performance.now();
      while (sent < total && startMs + (sent * 1_000) / rate <= now) {
        sendOne(startMs + (sent * 1_000) / rate);
        sent++;
      }
      if (now > startMs + durationMs + LAST_ANSWER_MS) finish();
    }, TICK_MS);
  });
}

/** Whether no other payment may go over this connection. */
const isLast = (status: number, head: string): boolean =>
  status === 0 || /\r\nConnection: close\r\n/i.test(head);

/** The value below which `share` of the sorted values lie. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
