// Stands where an instance would, behind nginx: answers 202 with its number, and counts its
// connections.

import { chmodSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';

export class Stand {
  readonly path: string;
  connections = 0;
  bodies: string[] = [];
  /** While true a request is read, and its connection ends without an answer. */
  dies = false;
  /** While set, requests wait in it for their answer. */
  held: (() => void)[] | undefined;
  readonly #number: number;
  #server: Server | undefined;

  constructor(directory: string, number: number) {
    this.#number = number;
    this.path = join(directory, `api-${number}.sock`);
  }

  async open(): Promise<void> {
    if (this.#server) return;
    const server = createServer({ keepAliveTimeout: 75_000 }, (request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on('end', () => {
        this.bodies.push(body);
        if (this.dies) {
          request.socket.destroy();
          return;
        }
        const number = String(this.#number);
        const answer = (): void => {
          response.writeHead(202, { 'x-instance': number, 'content-length': 0 }).end();
        };
        if (this.held) this.held.push(answer);
        else answer();
      });
    });
    server.on('connection', () => {
      this.connections++;
    });
    await new Promise<void>((resolve) => {
      server.listen(this.path, resolve);
    });
    chmodSync(this.path, 0o660);
    this.#server = server;
  }

  async shut(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await new Promise<void>((resolve) => {
      if (!server) resolve();
      server?.close(() => resolve());
      server?.closeAllConnections();
    });
  }
}
