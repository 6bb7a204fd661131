// Reads the answers that come over one connection, in order, in whatever pieces they arrive: the
// status of each. An answer has a Content-Length, or no body.

const END_OF_HEAD = Buffer.from('\r\n\r\n', 'latin1');
const STATUS_AT = 9;
const ZERO = 0x30;
const LENGTH = /\r\ncontent-length: *(\d+)/i;
const CLOSE = /\r\nconnection: *close/i;

export interface HeadOfAnswer {
  readonly status: number;
  /** Whether the server ends the connection behind it. */
  readonly isLast: boolean;
}

export class AnswerReader {
  readonly #onAnswer: (answer: HeadOfAnswer) => void;
  #kept: Buffer = Buffer.alloc(0);

  constructor(onAnswer: (answer: HeadOfAnswer) => void) {
    this.#onAnswer = onAnswer;
  }

  /** `piece` may be overwritten after the call. */
  read(piece: Buffer): void {
    let rest: Buffer = this.#kept.length === 0 ? piece : Buffer.concat([this.#kept, piece]);
    for (;;) {
      const headEnd = rest.indexOf(END_OF_HEAD);
      if (headEnd < 0) break;
      const head = rest.toString('latin1', 0, headEnd);
      const end = headEnd + END_OF_HEAD.length + Number(LENGTH.exec(head)?.[1] ?? 0);
      if (end > rest.length) break;
      this.#onAnswer({ status: statusIn(rest), isLast: CLOSE.test(head) });
      rest = rest.subarray(end);
    }
    this.#kept = rest.length === 0 ? rest.subarray(0, 0) : Buffer.from(rest);
  }
}

/** "HTTP/1.1 202 Accepted" */
const statusIn = (head: Buffer): number =>
  [0, 1, 2].reduce((status, place) => status * 10 + (head[STATUS_AT + place] ?? 0) - ZERO, 0);
