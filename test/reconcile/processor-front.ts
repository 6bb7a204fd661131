// Stands before a processor and passes requests on, unless a test says what is answered instead.

import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

/** What is answered instead; 'pass' to pass the request on. */
export type Rule = (path: string) => Instead | 'pass';

export type Instead = { readonly status: number; readonly body: string } | 'nothing';

export interface ProcessorFront {
  readonly url: string;
  /** Requests so far, by path without the query. */
  readonly paths: readonly string[];
  rule: Rule;
}

export const NO_LIST: Rule = (path) =>
  path.startsWith('/admin/payments?') ? { status: 404, body: '' } : 'pass';

export async function openFront(
  processorUrl: string,
  context: TestContext,
  rule: Rule = NO_LIST,
): Promise<ProcessorFront> {
  const paths: string[] = [];
  const front = { url: '', paths, rule };
  const server = createServer((incoming, response) => {
    const { url = '' } = incoming;
    paths.push(url.split('?')[0] as string);
    const instead = front.rule(url);
    if (instead === 'pass') passOn(processorUrl, incoming, response);
    else if (instead !== 'nothing') response.writeHead(instead.status).end(instead.body);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  front.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return front;
}

function passOn(to: string, incoming: IncomingMessage, response: ServerResponse): void {
  const { method, url, headers } = incoming;
  const outgoing = request(`${to}${url}`, { method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  outgoing.on('error', () => response.destroy());
  incoming.pipe(outgoing);
}
