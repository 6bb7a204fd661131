// A worker of bench:edge: keeps connections open on which a request never becomes whole, and prints
// a line once all are open. Where the other side ends one, it opens another a second later.

import { connect } from 'node:net';
import { workerData } from 'node:worker_threads';

export interface Held {
  readonly port: number;
  readonly connections: number;
  /** What each of them sends before it falls silent. */
  readonly start: string;
}

const { port, connections, start } = workerData as Held;
let open = 0;

function hold(): void {
  const socket = connect(port, '127.0.0.1', () => {
    socket.write(start, 'latin1');
    if (++open === connections) process.stdout.write('open\n');
  });
  // So that an answer's end is seen.
  socket.resume();
  socket.on('error', () => {});
  socket.on('close', () => setTimeout(hold, 1_000));
}

for (let n = 0; n < connections; n++) hold();
