// Every setting in its group: unit, default, bounds and meaning. config.ts reads them from the
// environment; docs/SETTINGS.md lists them in this order.

import { LEDGER_MS_MAX, PROCESSOR_AT_ONCE } from './bounds.ts';
import { CLUSTER } from './cluster-settings.ts';
import { number, optionalText, text, word } from './setting-kinds.ts';

const WHERE = {
  SOCKET_PATH: text('Unix socket that this instance listens on'),
  JOURNAL_PATH: optionalText(
    'file of the journal; each instance has a file of its own (JOURNAL=file, which needs it)',
    'none',
  ),
  DATABASE_URL: text(
    'PostgreSQL, as postgres://user:password@host:port/database; `PG*` variables are ignored',
  ),
  PROCESSOR_DEFAULT_URL: text(
    'http:// or https:// address of the default processor; a user and a password in it, a path ' +
      'and a query are sent with every request',
  ),
  PROCESSOR_FALLBACK_URL: text('the same for the fallback processor'),
  PEER_SOCKET_PATHS: optionalText(
    'sockets of all instances, this one too, separated by commas, in the same order everywhere',
    '`SOCKET_PATH`',
  ),
  ADMIN_LISTEN: optionalText(
    'where the admin server listens: host:port or path of a Unix socket, or several, by commas',
    'no admin server',
  ),
  ADMIN_TOKEN: optionalText(
    'what a request to a host:port of ADMIN_LISTEN must bring as its bearer token, 16 to 256 ' +
      'visible ASCII characters',
    'such a port answers questions alone',
  ),
};

const PROCESSORS = {
  OUTCOMES_DEFAULT: word(
    ['strict', 'contest'],
    'what an answer of the default processor proves. strict: a 5xx proves nothing, and a 200 ' +
      'proves a charge if its body is a JSON object without an error. contest: 500, 501 and 503 ' +
      'prove that nothing is stored, and any 200 proves a charge',
  ),
  OUTCOMES_FALLBACK: word(['strict', 'contest'], 'the same for the fallback processor'),
  TIMEOUT_DEFAULT_MS: number(300, [1, 60_000], 'ms', 'shortest time-out at the default processor'),
  TIMEOUT_FALLBACK_MS: number(3_000, [1, 60_000], 'ms', 'the same at the fallback processor'),
  TIMEOUT_SLACK_MS: number(
    6_000,
    [1, 60_000],
    'ms',
    'the time-out is this plus twice the response time that the processor reports (thrifty)',
  ),
  TIMEOUT_MAX_MS: number(15_000, [1, 60_000], 'ms', 'longest time-out at a processor (thrifty)'),
  POOL_DEFAULT: number(
    1_000,
    [1, 10_000],
    'connections',
    'most connections of one instance to the default processor; also its most attempts there',
  ),
  POOL_FALLBACK: number(100, [1, 10_000], 'connections', 'the same for the fallback processor'),
  HEALTH_EVERY_MS: number(5_000, [5_000, 600_000], 'ms', 'time between two health requests'),
  HEALTH_TIMEOUT_MS: number(7_000, [5_001, 60_000], 'ms', 'time-out of a health request'),
};

const POLICY = {
  POLICY: word(
    ['thrifty', 'eager'],
    'how a processor is chosen. thrifty: by fee and expected delay. eager: the default ' +
      'processor and its retries first, then the fallback processor',
  ),
  FEE_DEFAULT_BPS: number(500, [0, 10_000], 'bps', 'fee of the default processor (thrifty)'),
  FEE_FALLBACK_BPS: number(1_500, [0, 10_000], 'bps', 'fee of the fallback processor (thrifty)'),
  WAIT_COST_BPS_PER_S: number(
    30,
    [0, 10_000],
    'bps/s',
    'cost of each second that a payment waits in the ring (thrifty)',
  ),
  FLIGHT_COST_BPS_PER_S: number(
    160,
    [0, 10_000],
    'bps/s',
    'cost of each second that a payment is at a processor (thrifty)',
  ),
  PROBE_EVERY_MS: number(
    250,
    [1, 60_000],
    'ms',
    'the pause between probes of a failing processor grows from 20 ms to this (thrifty)',
  ),
  RETRIES: number(
    2,
    [0, 100],
    'retries',
    'retries at one processor before the other one is tried (eager)',
  ),
  BACKOFF_FIRST_MS: number(10, [0, 60_000], 'ms', 'pause before the first retry (eager)'),
  BACKOFF_NEXT_MS: number(20, [0, 60_000], 'ms', 'pause before each later retry (eager)'),
};

const JOURNAL = {
  JOURNAL: word(
    ['file', 'table'],
    'where the journal is. file: in JOURNAL_PATH, on this machine. table: in the database, so ' +
      'that an instance of another host can take over (see the cluster)',
  ),
  JOURNAL_SYNC: word(
    ['never', 'interval', 'always'],
    'when the journal is synced to the disk. No choice loses payments on kill -9. A power loss ' +
      'loses what the operating system had not written yet (never), the payments since the ' +
      'latest sync (interval), or nothing (always). With JOURNAL=table each 202 waits for a ' +
      'commit, whatever is set here',
  ),
  JOURNAL_SYNC_EVERY_MS: number(
    50,
    [1, 60_000],
    'ms',
    'time between syncs (JOURNAL_SYNC=interval)',
  ),
};

const LEDGER = {
  LEDGER_DURABILITY: word(
    ['warn', 'require'],
    'what happens with a database that loses committed rows in a power failure (fsync or ' +
      'full_page_writes is off), whose commits can not end (synchronous_standby_names is set and ' +
      'no standby is connected), or, with JOURNAL=table, whose commits wait for no standby. ' +
      'warn: it is used, with an error in the log. require: the batch writer refuses it when it ' +
      'connects; at a start nothing is charged then, later payments are charged and their rows ' +
      'wait. While commits wait for no standby, no payment is taken or sent',
  ),
  ALLOW_PURGE: word(['0', '1'], 'whether POST /purge-payments exists'),
  BATCH_ROWS: number(10, [1, 10_000], 'rows', 'a waiting batch is written at this size'),
  BATCH_WAIT_MS: number(10, [0, 10_000], 'ms', 'a waiting batch is written at this age'),
  BATCH_ROWS_MAX: number(1_000, [1, 10_000], 'rows', 'most rows of one statement'),
  LEDGER_TIMEOUT_MS: number(
    2_000,
    [1, LEDGER_MS_MAX],
    'ms',
    'time-out of a statement and of a connection (the batch writer connects within whole ' +
      'seconds, at least 2)',
  ),
  BLOOM_FILTER_MIB: number(
    64,
    [1, 1_024],
    'MiB',
    'largest size of the Bloom filter of settled ids, to which it grows: 1 MiB for each 600,000 ' +
      'ids of this instance',
  ),
};

const LIMITS = {
  RING_SLOTS: number(
    100_000,
    [1, 10_000_000],
    'slots',
    'most payments held at once; the next one is answered 503',
  ),
  RATE_LIMIT_PER_S: number(
    0,
    [0, 1_000_000],
    'attempts/s',
    'most attempts that one instance starts in a second (those of payments that are set aside come ' +
      'on top, a quarter of it at most); 0: as many as its CPU allows',
  ),
  IN_FLIGHT_MAX: number(
    700,
    [1, PROCESSOR_AT_ONCE],
    'attempts',
    'most attempts under way at one processor, of all instances together',
  ),
  CONSUMERS: number(
    500,
    [1, 10_000],
    'consumers',
    'most attempts of queued payments under way at once',
  ),
  RECONCILERS: number(
    50,
    [1, 1_000],
    'reconcilers',
    'most unknown payments that one processor is asked about at once, and most that are sent to ' +
      'it again at once',
  ),
  SENDS_PER_TURN: number(
    16,
    [1, 10_000],
    'attempts',
    'most attempts started in one turn of the event loop',
  ),
  SENDS_GATHER_MS: number(
    0,
    [0, 1_000],
    'ms',
    'most time that a payment waits for others to be sent with; the first that comes after half ' +
      'of it ends the wait',
  ),
  AMOUNT_MAX_CENTS: number(
    9_999_999_999_999,
    [1, 99_999_999_999_999],
    'cents',
    'largest amount of a payment',
  ),
  DRAIN_MS: number(10_000, [0, 600_000], 'ms', 'longest wait for attempts under way after SIGTERM'),
  WARM_UP_PAYMENTS: number(
    0,
    [0, 100_000],
    'payments',
    'made-up payments that warm up the code before the instance listens, if its journal is new',
  ),
};

/** The settings as docs/SETTINGS.md lists them. In each group, those to change first are on top. */
export const SETTING_GROUPS = {
  where: WHERE,
  processors: PROCESSORS,
  policy: POLICY,
  journal: JOURNAL,
  cluster: CLUSTER,
  ledger: LEDGER,
  limits: LIMITS,
};

export const SETTINGS = {
  ...WHERE,
  ...PROCESSORS,
  ...POLICY,
  ...JOURNAL,
  ...CLUSTER,
  ...LEDGER,
  ...LIMITS,
};

/** Renamed settings: the old name is read for one more version. */
export const RENAMED_SETTINGS: Readonly<Record<string, keyof typeof SETTINGS>> = {
  SENDS_PER_S: 'RATE_LIMIT_PER_S',
  SETTLED_FILTER_MIB: 'BLOOM_FILTER_MIB',
  REHEARSAL: 'WARM_UP_PAYMENTS',
};
