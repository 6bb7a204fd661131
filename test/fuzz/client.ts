// Sends the bytes of one case and gathers what comes back, until the connection ends.

import { connect, type NetConnectOpts, type Socket } from 'node:net';
import type { Case } from './cases.ts';

export interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

export interface Outcome {
  /** In order, without interim ones (100). */
  readonly answers: readonly Answer[];
  /** Whether every answer arrived. */
  readonly isComplete: boolean;
}

/** Longer than each limit of nginx and of an instance for a request that doesn't end (10 s). */
const ENDS_WITHIN_MS = 30_000;

/** @throws Error if the connection is still open after ENDS_WITHIN_MS */
export function play(to: NetConnectOpts, sent: Case): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let text = '';
    let isComplete = sent.afterwards === 'waits';
    const socket = connect({ allowHalfOpen: true, noDelay: true, ...to }, () => {
      write(socket, sent).then(
        () => {
          if (sent.afterwards === 'leaves') leave(socket);
          else if (sent.afterwards === undefined) socket.end();
        },
        // The other side ended it in the middle.
        () => {},
      );
    });
    const timer = setTimeout(() => {
      socket.destroy();
      const bytes = JSON.stringify(sent.bytes.toString('latin1'));
      reject(new Error(`${sent.name} stays open after ${JSON.stringify(text)}: ${bytes}`));
    }, ENDS_WITHIN_MS);
    socket.setEncoding('latin1');
    socket.on('data', (more: string) => {
      text += more;
    });
    socket.on('end', () => socket.end());
    socket.on('error', () => {
      isComplete = false;
    });
    socket.on('close', () => {
      clearTimeout(timer);
      resolve({ answers: answersIn(text), isComplete });
    });
  });
}

/** Only TCP knows a reset. */
function leave(socket: Socket): void {
  if (socket.remoteFamily === undefined) socket.destroy();
  else socket.resetAndDestroy();
}

async function write(socket: Socket, { bytes, isSlow }: Case): Promise<void> {
  const pieces = isSlow ? Array.from(bytes, (byte) => Buffer.of(byte)) : [bytes];
  for (const piece of pieces) {
    await new Promise<void>((resolve, reject) => {
      socket.write(piece, (error) => (error ? reject(error) : resolve()));
    });
  }
}

/** Reads the answers one after the other, each by its own length. @throws if one is none */
function answersIn(text: string): Answer[] {
  const answers: Answer[] = [];
  for (let rest = text; rest !== '';) {
    // To HTTP/0.9, a request line without a version, nginx sends an error's body alone.
    if (/^\{"error":"[^{}]*"\}$/.test(rest))
      return [...answers, { status: 0, head: '', body: rest }];
    const end = rest.indexOf('\r\n\r\n') + 4;
    if (!/^HTTP\/1\.[01] \d{3}/.test(rest)) throw new Error(`no answer: ${JSON.stringify(text)}`);
    // The connection ended within it.
    if (end < 4) break;
    const [head, status] = [rest.slice(0, end - 2), Number(rest.slice(9, 12))];
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    const after = rest.slice(end, end + length);
    // A HEAD's answer has no body, and the next one follows at once.
    const body = after.startsWith('HTTP/1.') ? '' : after;
    if (status >= 200) answers.push({ status, head, body });
    rest = rest.slice(end + body.length);
  }
  return answers;
}
