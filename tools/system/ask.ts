// One GET with a deadline, over TCP or a Unix socket.

import { get } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

const TIMEOUT_MS = 2_000;

/** `where` is http://host:port or the path of a Unix socket. Rejects without an answer in time. */
export function ask(where: string, path: string, timeoutMs = TIMEOUT_MS): Promise<Answer> {
  const target = where.startsWith('/')
    ? { socketPath: where }
    : { host: new URL(where).hostname, port: new URL(where).port };
  return new Promise((resolve, reject) => {
    const request = get({ ...target, path, agent: false, timeout: timeoutMs }, (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        body += chunk;
      });
      answer.on('end', () => resolve({ status: answer.statusCode as number, body }));
      answer.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error(`${where} is silent`)));
    request.on('error', reject);
  });
}

/** Whether it answers at all, with whatever status. */
export async function answers(where: string): Promise<boolean> {
  return (await ask(where, '/internal')).status > 0;
}
