// Sends given bytes to a port or a Unix socket and reads the answers until the connection ends.

import { connect, type NetConnectOpts } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** `bytes` must make the other side end the connection, with "Connection: close" for one. */
export function exchange(
  where: NetConnectOpts,
  bytes: string | Uint8Array,
): Promise<readonly RawAnswer[]> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(where, () => socket.write(bytes));
    socket.setEncoding('latin1');
    socket.on('data', (more: string) => {
      text += more;
    });
    socket.on('error', (error) => {
      // It was answered, and what it sent beyond that was not read.
      if (text === '') reject(error);
    });
    socket.on('close', () => resolve(text.split(/(?=HTTP\/1\.1 \d{3} )/).map(answerOf)));
  });
}

function answerOf(text: string): RawAnswer {
  const end = text.indexOf('\r\n\r\n');
  const head = end < 0 ? '' : text.slice(0, end);
  return { status: Number(head.slice(9, 12)), head, body: text.slice(end < 0 ? 0 : end + 4) };
}
