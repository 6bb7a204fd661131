// Where an instance listens for others: a Unix socket on this machine, or a port of another host.

import { Pool } from 'undici';

const CONNECTIONS = 16;
const KEEP_ALIVE_MS = 4_000;
/** For another host, which may be gone. */
const CONNECT_MS = 1_000;

export type PeerAddress =
  | { readonly socketPath: string }
  | {
      /** host:port */
      readonly authority: string;
      /** What a request must bring. */
      readonly secret: string;
      /** undefined for plain HTTP. */
      readonly tls: PeerTls | undefined;
    };

/** PEM texts. Both sides show a certificate that `ca` has signed. */
export interface PeerTls {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

export function poolFor(address: PeerAddress): Pool {
  const isSocket = 'socketPath' in address;
  const scheme = !isSocket && address.tls !== undefined ? 'https' : 'http';
  return new Pool(`${scheme}://${isSocket ? 'peer' : address.authority}`, {
    connections: CONNECTIONS,
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: isSocket ? address : { timeout: CONNECT_MS, ...address.tls },
    keepAliveTimeout: KEEP_ALIVE_MS,
  });
}
