// The settings of the cluster, JOURNAL=table.

import { INSTANCES_MAX } from './bounds.ts';
import { number, optionalText } from './setting-kinds.ts';

export const CLUSTER = {
  SHARDS: number(
    1,
    [1, INSTANCES_MAX],
    'shards',
    'number of shards of all hosts together, the same everywhere (JOURNAL=table)',
  ),
  SHARD: optionalText(
    'the shard that this process runs, counted from 0, or auto: one that is free (JOURNAL=table)',
    'auto',
  ),
  PEER_LISTEN: optionalText(
    'host:port where the processes of other hosts reach this one; they read it in the database ' +
      '(JOURNAL=table, which needs it for more than one shard)',
    'no such port',
  ),
  PEER_SECRET: optionalText(
    'what requests to PEER_LISTEN must bring, the same everywhere, 16 to 256 visible ASCII ' +
      'characters; PEER_LISTEN needs it',
    'none',
  ),
  PEER_TLS_CERT: optionalText(
    'file of the certificate for PEER_LISTEN and for requests to other hosts, in PEM; with ' +
      'PEER_TLS_KEY and PEER_TLS_CA',
    'no TLS',
  ),
  PEER_TLS_KEY: optionalText('file of its key', 'no TLS'),
  PEER_TLS_CA: optionalText(
    'file of the authority that must have signed the certificates of the others',
    'no TLS',
  ),
};
