/** Ends the command: its message on stderr, in one line, and its exit code. */
export class Failure extends Error {
  /** 1: not possible now, or not done. 2: a word or a setting is wrong. */
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

export const wrongWords = (message: string): Failure => new Failure(message, 2);
