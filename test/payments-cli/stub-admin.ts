// An admin server that answers as a test says, and keeps what it was asked.

import { mkdtempSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { makeTempDirectory, removeTempDirectory } from '../world/temp-directory.ts';

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface Told {
  /** 200 by default. */
  readonly status?: number;
  /** An object becomes JSON. */
  readonly body: unknown;
}

/** Answers itself, or returns what is to be answered. */
type Answer = (asked: Asked, response: ServerResponse) => Told | undefined;

export interface StubAdmin {
  readonly asked: Asked[];
  /** The path of its socket. */
  readonly path: string;
}

/** Listens on a Unix socket until the test ends. It has /live, as every admin server. */
export async function stubAdmin(
  context: TestContext,
  answer: Answer,
  path = join(directoryOf(context), 'admin'),
): Promise<StubAdmin> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = { method, url, headers, body: Buffer.concat(chunks).toString() };
      asked.push(one);
      const told = url === '/live' ? { body: { live: true } } : answer(one, response);
      if (told === undefined) return;
      const { status = 200, body } = told;
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { asked, path };
}

let root: string | undefined;

export function directoryOf(context: TestContext): string {
  root ??= makeTempDirectory();
  const directory = mkdtempSync(join(root, 'one-'));
  context.after(() => removeTempDirectory(directory));
  return directory;
}
