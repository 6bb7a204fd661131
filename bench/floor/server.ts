// The floor: what node:http costs behind the same nginx and limits when nothing is done with a payment. Reads the body, answers 202.

import { chmodSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';

const path = process.env['SOCKET_PATH'] ?? '';
const NOTHING =
  '{"default":{"totalRequests":0,"totalAmount":0},"fallback":{"totalRequests":0,"totalAmount":0}}';

const server = createServer({ keepAliveTimeout: 75_000 }, (request, response) => {
  request.on('data', () => {});
  request.on('end', () => {
    if (request.url === '/payments') response.writeHead(202, ['Content-Length', '0']).end();
    else response.writeHead(200, ['Content-Type', 'application/json']).end(NOTHING);
  });
});
rmSync(path, { force: true });
server.listen(path, () => chmodSync(path, 0o666));
process.once('SIGTERM', () => process.exit(0));
