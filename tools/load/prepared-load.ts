// An open-loop load at high rates, which keeps a record of each payment. Payments leave on
// schedule, whether earlier ones were answered or not, and a latency counts from when its payment
// was due. As long as there are fewer than `connectionsMax` connections, each has one payment under
// way, as real clients have; beyond that, payments are pipelined, so that none waits to be sent.

import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { AnswerReader } from './answer-reader.ts';
import { PreparedPayments } from './prepared-payments.ts';

export interface PreparedLoad {
  readonly to: NetConnectOpts;
  /** Payments per second. */
  readonly rate: number;
  readonly durationMs: number;
  readonly connectionsMax: number;
  /** An answer that takes so long counts as slow in `Progress`. */
  readonly slowMs: number;
  readonly stop?: AbortSignal;
}

/** So far. */
export interface Progress {
  readonly sent: number;
  readonly accepted: number;
  /** Answered with another status than 202, or not at all because the connection broke. */
  readonly refused: number;
  readonly slow: number;
}

/** Of each payment, by its index. */
export interface LoadRecord {
  readonly sent: number;
  /** Those that were sent, in 36 bytes each. */
  readonly ids: Buffer;
  /** 0: no answer came. */
  readonly statuses: Uint16Array;
  /** When the answer was there, ms since the epoch; 0 without one. */
  readonly answeredAtMs: Float64Array;
  /** From when it was due until it was answered. */
  readonly latenciesMs: Float32Array;
  /** From when it was due until it was sent: what the load generator itself was late. */
  readonly latenessMs: Float32Array;
}

const TICK_MS = 1;
const LAST_ANSWER_MS = 5_000;
const READ_BYTES = 64 * 1024;
const ACCEPTED = 202;
/** All connections read into this one: what is read is used at once. */
const readBuffer = Buffer.allocUnsafe(READ_BYTES);

class Connection {
  isClosed = false;
  readonly #socket: Socket;
  readonly #under: number[] = [];
  #isCorked = false;

  constructor(
    to: NetConnectOpts,
    onAnswer: (from: Connection, index: number, status: number) => void,
    onEnd: (ended: Connection) => void,
  ) {
    const reader = new AnswerReader(({ status, isLast }) => {
      if (isLast) this.isClosed = true;
      const index = this.#under.shift();
      if (index !== undefined) onAnswer(this, index, status);
    });
    const callback = (bytes: number): boolean => {
      reader.read(readBuffer.subarray(0, bytes));
      return true;
    };
    this.#socket = connect({ ...to, noDelay: true, onread: { buffer: readBuffer, callback } });
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      this.isClosed = true;
      onEnd(this);
      for (const index of this.#under.splice(0)) onAnswer(this, index, 0);
    });
  }

  get isIdle(): boolean {
    return this.#under.length === 0;
  }

  /** Leaves with `flush`, together with others. */
  send(index: number, request: Buffer): void {
    if (!this.#isCorked) this.#socket.cork();
    this.#isCorked = true;
    this.#under.push(index);
    this.#socket.write(request);
  }

  flush(): void {
    if (this.#isCorked) this.#socket.uncork();
    this.#isCorked = false;
  }

  close(): void {
    this.#under.length = 0;
    this.#socket.destroy();
  }
}

export class LoadGenerator {
  readonly #load: PreparedLoad;
  readonly #payments: PreparedPayments;
  readonly #open = new Set<Connection>();
  readonly #idle: Connection[] = [];
  /** The next ones that get a second payment when all are busy. */
  #turns: Connection[] = [];
  readonly #statuses: Uint16Array;
  readonly #answeredAtMs: Float64Array;
  readonly #latenciesMs: Float32Array;
  readonly #latenessMs: Float32Array;
  #sent = 0;
  #answered = 0;
  #accepted = 0;
  #slow = 0;
  #startMs = 0;

  /** Makes the requests: that takes a second for each million. */
  constructor(load: PreparedLoad) {
    const count = Math.ceil((load.rate * load.durationMs) / 1_000);
    this.#load = load;
    this.#payments = new PreparedPayments(count);
    this.#statuses = new Uint16Array(count);
    this.#answeredAtMs = new Float64Array(count);
    this.#latenciesMs = new Float32Array(count);
    this.#latenessMs = new Float32Array(count);
  }

  get progress(): Progress {
    const refused = this.#answered - this.#accepted;
    return { sent: this.#sent, accepted: this.#accepted, refused, slow: this.#slow };
  }

  /** Resolves when every payment is answered, or some seconds after the last one was due. */
  run(): Promise<LoadRecord> {
    const { durationMs, stop } = this.#load;
    this.#startMs = performance.now();
    let endMs = this.#startMs + durationMs;
    return new Promise((resolve) => {
      const ticks = setInterval(() => {
        const nowMs = performance.now();
        if (stop?.aborted) endMs = Math.min(endMs, nowMs);
        this.#sendDue(Math.min(nowMs, endMs));
        const isSent = nowMs >= endMs || this.#sent === this.#payments.count;
        const isOver = isSent && this.#answered === this.#sent;
        if (!isOver && nowMs <= endMs + LAST_ANSWER_MS) return;
        clearInterval(ticks);
        for (const connection of this.#open) connection.close();
        resolve(this.#record());
      }, TICK_MS);
    });
  }

  #dueMs(index: number): number {
    return this.#startMs + (index * 1_000) / this.#load.rate;
  }

  #sendDue(nowMs: number): void {
    const used = new Set<Connection>();
    while (this.#sent < this.#payments.count && this.#dueMs(this.#sent) <= nowMs) {
      const index = this.#sent++;
      const connection = this.#connection();
      this.#latenessMs[index] = nowMs - this.#dueMs(index);
      connection.send(index, this.#payments.requestOf(index));
      used.add(connection);
    }
    for (const connection of used) connection.flush();
  }

  #connection(): Connection {
    for (let found = this.#idle.pop(); found !== undefined; found = this.#idle.pop()) {
      if (!found.isClosed) return found;
    }
    if (this.#open.size < this.#load.connectionsMax) return this.#connect();
    for (;;) {
      if (this.#turns.length === 0) this.#turns = [...this.#open];
      const next = this.#turns.pop();
      if (next === undefined) return this.#connect();
      if (!next.isClosed) return next;
    }
  }

  #connect(): Connection {
    const opened = new Connection(
      this.#load.to,
      (from, index, status) => this.#answer(from, index, status),
      (ended) => this.#open.delete(ended),
    );
    this.#open.add(opened);
    return opened;
  }

  #answer(from: Connection, index: number, status: number): void {
    const nowMs = performance.now();
    const latencyMs = nowMs - this.#dueMs(index);
    this.#answered++;
    if (status === ACCEPTED) this.#accepted++;
    if (latencyMs >= this.#load.slowMs) this.#slow++;
    this.#statuses[index] = status;
    this.#latenciesMs[index] = latencyMs;
    // The clock of other processes, with which this time is compared.
    this.#answeredAtMs[index] = status === 0 ? 0 : Date.now();
    if (!from.isClosed && from.isIdle) this.#idle.push(from);
  }

  #record(): LoadRecord {
    const sent = this.#sent;
    return {
      sent,
      ids: this.#payments.ids.subarray(0, sent * 36),
      statuses: this.#statuses.slice(0, sent),
      answeredAtMs: this.#answeredAtMs.slice(0, sent),
      latenciesMs: this.#latenciesMs.slice(0, sent),
      latenessMs: this.#latenessMs.slice(0, sent),
    };
  }
}
