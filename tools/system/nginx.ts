// Our own nginx: a directory with the filled-in configuration and everything that it writes, and the command that serves it.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const TEMPLATE = new URL('../../../nginx/nginx.conf.template', import.meta.url);

export interface Front {
  /** "9999" or "127.0.0.1:9999". */
  readonly listen: string;
  /** The instances' sockets, in the order of PEER_SOCKET_PATHS. */
  readonly socketPaths: readonly string[];
}

/** A word for nginx's configuration: a path may hold blanks, semicolons, braces and quotes. */
const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, '\\$&')}"`;

/** The template with its three blanks filled. */
function fillTemplate(template: string, { listen, socketPaths }: Front): string {
  const servers = (marks: string): string =>
    socketPaths.map((path) => `    server ${quoted(`unix:${path}`)} ${marks};`).join('\n');
  return template
    .replaceAll('${LISTEN}', () => listen)
    .replaceAll('${SERVERS}', () => servers('max_fails=1 fail_timeout=1s'))
    .replaceAll('${UNMARKED_SERVERS}', () => servers('max_fails=0'));
}

/** Writes the configuration into `directory`; the command that serves it. */
export async function prepareNginx(directory: string, front: Front): Promise<readonly string[]> {
  await mkdir(directory, { recursive: true });
  const configuration = join(directory, 'nginx.conf');
  await writeFile(configuration, fillTemplate(await readFile(TEMPLATE, 'utf8'), front));
  return ['nginx', '-p', directory, '-c', configuration];
}
