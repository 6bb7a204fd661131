// The floor: a server that reads the body of a payment, answers 202 and does nothing else. It shows
// what node:http costs behind the same nginx and within the same limits.
//
// With --pass-on it also sends each payment to the default processor, once, and ignores the answer.

import { chmodSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { Pool, type Dispatcher } from 'undici';

const path = process.env['SOCKET_PATH'] ?? '';
const NOTHING =
  '{"default":{"totalRequests":0,"totalAmount":0},"fallback":{"totalRequests":0,"totalAmount":0}}';

const ignoreAnswer: Dispatcher.DispatchHandler = {
  onConnect: () => {},
  onHeaders: () => true,
  onData: () => true,
  onComplete: () => {},
  onError: () => {},
};

function passOn(pool: Pool, payment: string): void {
  const requestedAt = new Date().toISOString();
  const body = `${payment.slice(0, -1)},"requestedAt":"${requestedAt}"}`;
  const headers = ['content-type', 'application/json'];
  pool.dispatch({ method: 'POST', path: '/payments', headers, body }, ignoreAnswer);
}

const pool = process.argv.includes('--pass-on')
  ? new Pool(process.env['PROCESSOR_DEFAULT_URL'] ?? '', { connections: 400 })
  : undefined;
const server = createServer({ keepAliveTimeout: 75_000 }, (request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => {
    body += chunk.toString('latin1');
  });
  request.on('end', () => {
    if (request.url === '/payments') {
      response.writeHead(202, ['Content-Length', '0']).end();
      if (pool !== undefined) passOn(pool, body);
    } else response.writeHead(200, ['Content-Type', 'application/json']).end(NOTHING);
  });
});
rmSync(path, { force: true });
server.listen(path, () => chmodSync(path, 0o666));
process.once('SIGTERM', () => process.exit(0));
