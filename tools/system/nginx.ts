// Our nginx: a directory with its configuration and everything that it writes, and its command.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const TEMPLATE = new URL('../../../nginx/nginx.conf.template', import.meta.url);

/** The client's address where proxies may stand before nginx; an IPv6 client has a whole /64. */
const CLIENT_ZONE = String.raw`
  # Who a client is: an IPv4 address, or the first 64 bits of an IPv6 address, since one household
  # has as many addresses as it likes behind those. An IPv4 address may be written as an IPv6 one.
  map $binary_remote_addr $client {
    "~^\x00{10}\xff\xff(?<mapped>(?s:.{4}))$" $mapped;
    "~^(?<network>(?s:.{8}))(?s:.{8})$" $network;
    default $binary_remote_addr;
  }
  limit_conn_zone $client zone=clients:2m;`;

/** What one client may do, and whose word counts about who it is. */
export interface ClientLimits {
  /** Requests of one client under way at once; 0: no limit. */
  readonly requestsMax: number;
  /** Lines of nginx that name proxies whose X-Forwarded-For is believed; '' for none. */
  readonly addressLines: string;
}

/**
 * docker/nginx.production.conf: a seventh of the requests in all, and more than a shop that waits
 * for each answer uses at 10,000 payments/s. A file beside it may name trusted proxies.
 */
export const PRODUCTION_CLIENTS: ClientLimits = {
  requestsMax: 100,
  addressLines: '    include trusted-proxies*.conf;',
};

/** Other hosts, whose instances take what no instance on this host takes. */
interface OtherHosts {
  /** Where this host's nginx serves theirs. */
  readonly listen: string;
  /** Where theirs serve this one. */
  readonly addresses: readonly string[];
}

export interface Front {
  /** "9999" or "127.0.0.1:9999". */
  readonly listen: string;
  /** The instances' sockets, in the order of PEER_SOCKET_PATHS. */
  readonly socketPaths: readonly string[];
  /** With them any instance may get any payment: which one owns an id changes. */
  readonly others?: OtherHosts;
  /** Without them all clients share one limit. */
  readonly clients?: ClientLimits;
}

/** deploy/kubernetes/nginx.conf: of the one instance in the pod. */
export const POD_SOCKET = '/run/sockets/api.sock';

/**
 * docker/nginx.cluster.conf.template: of each host of three. The start of nginx's image fills in
 * the addresses. Each host finds itself among the others, which does no harm: nothing listens there
 * either.
 */
export function clusterFront(socketPaths: readonly string[]): Front {
  const addresses = ['HOST1', 'HOST2', 'HOST3'].map((name) => `\${${name}}:9100`);
  const others = { listen: '${HOST}:9100', addresses };
  return { listen: '${HOST}:9999', socketPaths, others, clients: PRODUCTION_CLIENTS };
}

/** The lines that believe `proxies` (addresses, or networks as 10.0.0.0/8). */
export function believing(proxies: readonly string[]): string {
  if (proxies.length === 0) return '';
  const from = proxies.map((proxy) => `    set_real_ip_from ${proxy};`);
  return [...from, '    real_ip_header X-Forwarded-For;', '    real_ip_recursive on;'].join('\n');
}

/** Quoted for nginx's configuration: a path may contain blanks, semicolons, braces and quotes. */
const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, '\\$&')}"`;

/**
 * The server for the other hosts' nginx. It has this host's instances alone, so that no request
 * goes round in a circle. Where none of them listens it closes the connection without an answer,
 * and the other nginx asks the next host.
 */
const forOthers = ({ listen }: OtherHosts, socketPaths: readonly string[]): string => `
  upstream api_here {
${socketPaths.map((path) => `    server ${quoted(`unix:${path}`)} max_fails=0;`).join('\n')}
    keepalive 32;
    keepalive_requests 1000000;
    keepalive_timeout 60s;
  }
  server {
    listen ${listen} backlog=4096;
    keepalive_timeout 75s;
    keepalive_requests 1000000;
    client_max_body_size 4096;
    client_body_buffer_size 8k;
    client_body_in_single_buffer on;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $host;
    proxy_max_temp_file_size 0;
    proxy_ignore_client_abort on;
    proxy_connect_timeout 1s;
    proxy_next_upstream error non_idempotent;
    location / {
      proxy_pass http://api_here;
    }
    location ^~ /internal {
      return 404 '{"error":"not found"}';
    }
    error_page 502 504 = @nobody;
    location @nobody {
      return 444;
    }
  }`;

/** The template with its blanks filled in. */
export async function nginxConfiguration(front: Front): Promise<string> {
  const { listen, socketPaths, others, clients } = front;
  const servers = (marks: string): string =>
    [
      ...socketPaths.map((path) => `    server ${quoted(`unix:${path}`)} ${marks};`),
      ...(others?.addresses ?? []).map((address) => `    server ${address} ${marks} backup;`),
    ].join('\n');
  const limit = clients?.requestsMax ?? 0;
  const blanks = {
    LISTEN: listen,
    // A spare has no socket, and each look for it would be a `crit`.
    LOG_LEVEL: others ? 'alert' : 'crit',
    BALANCE: others ? '' : '    hash $owner;',
    SERVERS: servers('max_fails=1 fail_timeout=1s'),
    UNMARKED_SERVERS: servers('max_fails=0'),
    // With other hosts: while a primary hands over, an instance may be too slow for nginx.
    RETRY_AFTER: others ? '5' : '1',
    FOR_OTHERS: others ? forOthers(others, socketPaths) : '',
    // Where clients have limits, those who send nothing for long must leave room for the others.
    CONNECTIONS: limit > 0 ? '16384' : '3072',
    FILES: limit > 0 ? '20000' : '8192',
    CLIENT_ZONE: limit > 0 ? CLIENT_ZONE.slice(1) : '',
    CLIENT_LIMIT: limit > 0 ? `    limit_conn clients ${limit};` : '',
    CLIENT_ADDRESS: clients?.addressLines ?? '',
  };
  let text = await readFile(TEMPLATE, 'utf8');
  for (const [name, filling] of Object.entries(blanks)) {
    // A blank without a filling takes its line with it.
    if (filling === '') text = text.replaceAll(`\${${name}}\n`, '');
    text = text.replaceAll(`\${${name}}`, () => filling);
  }
  return text;
}

/** Writes the configuration into `directory`. Returns the command that serves it. */
export async function prepareNginx(directory: string, front: Front): Promise<readonly string[]> {
  await mkdir(directory, { recursive: true });
  const configuration = join(directory, 'nginx.conf');
  await writeFile(configuration, await nginxConfiguration(front));
  return ['nginx', '-p', directory, '-c', configuration];
}
