// An open-loop load: payments leave on schedule, whether earlier ones were answered or not. A stall
// therefore shows in the latency of every payment that was due meanwhile. The requests are written
// as bytes on kept-alive connections, because the load must cost less CPU than what it measures.

import { randomUUID } from 'node:crypto';
import { connect, type NetConnectOpts, type Socket } from 'node:net';

export const AMOUNT_CENTS = 1_990;

export interface Load {
  readonly to: NetConnectOpts;
  /** Payments per second. */
  readonly rate: number;
  /** Infinity: until `stop`. */
  readonly durationMs: number;
  readonly stop?: AbortSignal;
  /** Gets the id of each payment, and when it was due, ms since the epoch. */
  readonly onDue?: (correlationId: string, dueAtMs: number) => void;
  /** `status` is 0 when the connection broke. */
  readonly onAnswer?: (correlationId: string, status: number, latencyMs: number) => void;
}

export interface LoadResult {
  /** Of each answered payment, from when it was due; sorted. */
  readonly latenciesMs: readonly number[];
  /** How many answers of each status; 0 for answers that never came. */
  readonly statuses: ReadonlyMap<number, number>;
  /** Answers with 503 and without Retry-After. */
  readonly bareRefusals: number;
}

const TICK_MS = 1;
const LAST_ANSWER_MS = 5_000;

type OnAnswer = (status: number, head: string) => void;

class Connection {
  isClosed = false;
  readonly #socket: Socket;
  #onAnswer: OnAnswer | undefined;

  constructor(to: NetConnectOpts) {
    this.#socket = connect(to);
    this.#socket.setNoDelay(true);
    // An answer to a payment is short: it comes in one piece.
    this.#socket.on('data', (chunk) => {
      const head = chunk.toString('latin1');
      this.#answer(Number(head.slice(9, 12)), head);
    });
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      this.isClosed = true;
      this.#answer(0, '');
    });
  }

  send(bytes: string, onAnswer: OnAnswer): void {
    this.#onAnswer = onAnswer;
    this.#socket.write(bytes, 'latin1');
  }

  close(): void {
    this.#onAnswer = undefined;
    this.#socket.destroy();
  }

  #answer(status: number, head: string): void {
    const onAnswer = this.#onAnswer;
    this.#onAnswer = undefined;
    onAnswer?.(status, head);
  }
}

function requestBytes(correlationId: string): string {
  const body = `{"correlationId":"${correlationId}","amount":${AMOUNT_CENTS / 100}}`;
  const head = [
    'POST /payments HTTP/1.1',
    'Host: bench',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

/** Resolves when every payment is answered, or some seconds after the last one left. */
export function openLoop({ to, rate, durationMs, stop, ...on }: Load): Promise<LoadResult> {
  const idle: Connection[] = [];
  const all = new Set<Connection>();
  const latenciesMs: number[] = [];
  const statuses = new Map<number, number>();
  const startMs = performance.now();
  let endMs = startMs + durationMs;
  let sent = 0;
  let bareRefusals = 0;

  const connection = (): Connection => {
    for (let found = idle.pop(); found !== undefined; found = idle.pop()) {
      if (!found.isClosed) return found;
      all.delete(found);
    }
    const opened = new Connection(to);
    all.add(opened);
    return opened;
  };
  const sendOne = (dueMs: number): void => {
    const used = connection();
    const correlationId = randomUUID();
    on.onDue?.(correlationId, performance.timeOrigin + dueMs);
    used.send(requestBytes(correlationId), (status, head) => {
      const latencyMs = performance.now() - dueMs;
      latenciesMs.push(latencyMs);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status === 503 && !/\r\nRetry-After: \d+\r\n/i.test(head)) bareRefusals++;
      if (isLast(status, head)) all.delete(used);
      else idle.push(used);
      on.onAnswer?.(correlationId, status, latencyMs);
    });
  };
  return new Promise((resolve) => {
    const ticks = setInterval(() => {
      const nowMs = performance.now();
      if (stop?.aborted) endMs = Math.min(endMs, nowMs);
      const dueMs = (): number => startMs + (sent * 1_000) / rate;
      for (; dueMs() <= nowMs && dueMs() < endMs; sent++) sendOne(dueMs());
      const isOver = nowMs >= endMs && latenciesMs.length === sent;
      if (!isOver && nowMs <= endMs + LAST_ANSWER_MS) return;
      clearInterval(ticks);
      for (const open of all) open.close();
      const missing = sent - latenciesMs.length;
      if (missing > 0) statuses.set(0, (statuses.get(0) ?? 0) + missing);
      resolve({ latenciesMs: latenciesMs.toSorted((a, b) => a - b), statuses, bareRefusals });
    }, TICK_MS);
  });
}

/** Whether no other payment may go over this connection. */
const isLast = (status: number, head: string): boolean =>
  status === 0 || /\r\nConnection: close\r\n/i.test(head);

/** The value below which `share` of the sorted values lie. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
