// Every setting: its unit, its default, its bounds and what it means. config.ts reads them.

/**
 * How long nginx waits for an answer: proxy_read_timeout in nginx.conf.template, in general and for
 * a payment.
 */
export const NGINX_READ_MS = 5_000;
export const NGINX_PAYMENT_MS = 1_000;
/** A payment's answer waits this long for the instance that owns it, and then takes it in. */
export const OFFER_MS = NGINX_PAYMENT_MS / 2;
/**
 * A summary waits this long for what is being recorded here, and a little longer for the other
 * instances to say so of theirs; then for a connection and a statement. Normally it waits
 * milliseconds. It is a 503 at the bound, so the bound leaves a slow database time.
 */
export const FLUSH_MS = 800;
export const FLUSH_ANSWER_MS = FLUSH_MS + 100;
const LEDGER_MS_MAX = (NGINX_READ_MS - FLUSH_ANSWER_MS) / 2 - 1;

/** Of one ledger. */
export const INSTANCES_MAX = 16;

/** What the system takes as a Unix socket's path (sun_path in sockaddr_un), its end aside. */
export const SOCKET_PATH_BYTES_MAX = 107;

/**
 * What the contest's processors work on at once, lookups included; they queue 500 more and decline
 * the rest.
 */
export const PROCESSOR_AT_ONCE = 800;
export const PROCESSOR_QUEUE = 500;

/** A setting that is a whole number. */
export interface NumberSetting {
  readonly unit: string;
  readonly preset: number;
  readonly min: number;
  readonly max: number;
  readonly meaning: string;
}

const number = (
  preset: number,
  [min, max]: readonly [number, number],
  unit: string,
  meaning: string,
): NumberSetting => ({ unit, preset, min, max, meaning });

export const NUMBER_SETTINGS = {
  RING_SLOTS: number(100_000, [1, 10_000_000], 'slots', 'payments held at once; beyond: 503'),
  CONSUMERS: number(500, [1, 10_000], 'consumers', 'attempts under way at once'),
  RECONCILERS: number(
    50,
    [1, 1_000],
    'reconcilers',
    'unknown outcomes asked about at once, per processor',
  ),
  POOL_DEFAULT: number(
    1_000,
    [1, 10_000],
    'connections',
    'to the default processor at most, of each instance; bounds its attempts too',
  ),
  POOL_FALLBACK: number(100, [1, 10_000], 'connections', 'the same for the fallback processor'),
  IN_FLIGHT_MAX: number(
    700,
    [1, PROCESSOR_AT_ONCE],
    'attempts',
    'at one processor, over all instances',
  ),
  TIMEOUT_DEFAULT_MS: number(300, [1, 60_000], 'ms', 'shortest wait for the default processor'),
  TIMEOUT_FALLBACK_MS: number(3_000, [1, 60_000], 'ms', 'shortest wait for the fallback processor'),
  TIMEOUT_SLACK_MS: number(
    6_000,
    [1, 60_000],
    'ms',
    'beyond twice the answer time that the processor reports (thrifty)',
  ),
  TIMEOUT_MAX_MS: number(15_000, [1, 60_000], 'ms', 'longest wait for a processor (thrifty)'),
  RETRIES: number(2, [0, 100], 'retries', 'at a processor before the other one (eager)'),
  BACKOFF_FIRST_MS: number(10, [0, 60_000], 'ms', 'before the first retry (eager)'),
  BACKOFF_NEXT_MS: number(20, [0, 60_000], 'ms', 'before each later retry (eager)'),
  FEE_DEFAULT_BPS: number(500, [0, 10_000], 'bps', 'fee of the default processor (thrifty)'),
  FEE_FALLBACK_BPS: number(1_500, [0, 10_000], 'bps', 'fee of the fallback processor (thrifty)'),
  WAIT_COST_BPS_PER_S: number(
    30,
    [0, 10_000],
    'bps/s',
    'price on a payment waiting here (thrifty)',
  ),
  FLIGHT_COST_BPS_PER_S: number(
    160,
    [0, 10_000],
    'bps/s',
    'price on a payment at a processor (thrifty)',
  ),
  PROBE_EVERY_MS: number(250, [1, 60_000], 'ms', 'between probes of a failing processor (thrifty)'),
  HEALTH_EVERY_MS: number(5_000, [5_000, 600_000], 'ms', 'between health calls to a processor'),
  HEALTH_TIMEOUT_MS: number(7_000, [5_001, 60_000], 'ms', 'wait for a health answer'),
  BATCH_ROWS: number(10, [1, 10_000], 'rows', 'a waiting batch leaves at this size'),
  BATCH_WAIT_MS: number(10, [0, 10_000], 'ms', 'a waiting batch leaves at this age'),
  BATCH_ROWS_MAX: number(1_000, [1, 10_000], 'rows', 'in one statement at most'),
  LEDGER_TIMEOUT_MS: number(
    2_000,
    [1, LEDGER_MS_MAX],
    'ms',
    'wait for a statement or a connection',
  ),
  SETTLED_FILTER_MIB: number(16, [1, 1_024], 'MiB', 'memory of settled ids: 1 per 625,000 of them'),
  JOURNAL_SYNC_EVERY_MS: number(50, [1, 60_000], 'ms', 'between syncs (JOURNAL_SYNC=interval)'),
  AMOUNT_MAX_CENTS: number(9_999_999_999_999, [1, 99_999_999_999_999], 'cents', 'largest amount'),
  SENDS_PER_TURN: number(16, [1, 10_000], 'attempts', 'started in one turn of the event loop'),
  SENDS_GATHER_MS: number(0, [0, 1_000], 'ms', 'what is queued within is sent in one go'),
  SENDS_PER_S: number(2_000, [1, 1_000_000], 'attempts/s', 'started by one instance at most'),
  REHEARSAL: number(
    0,
    [0, 100_000],
    'payments',
    'made up before listening when the journal is new',
  ),
  DRAIN_MS: number(10_000, [0, 600_000], 'ms', 'for what is in flight after SIGTERM'),
} as const satisfies Record<string, NumberSetting>;

/** A setting that is one of some words; the first is the default. */
export const WORD_SETTINGS = {
  POLICY: { words: ['thrifty', 'eager'], meaning: 'how a processor is chosen' },
  JOURNAL_SYNC: {
    words: ['never', 'interval', 'always'],
    meaning:
      'when the journal reaches the disk. All survive kill -9; a power loss takes what the system held back (never), the last moments (interval), nothing (always)',
  },
  OUTCOMES_DEFAULT: {
    words: ['strict', 'contest'],
    meaning:
      'what an answer of the default processor proves. strict: a 5xx nothing, a 200 a charge when ' +
      'its body is a JSON object without an error. contest: 500, 501 and 503 that nothing is ' +
      'stored, any 200 a charge',
  },
  OUTCOMES_FALLBACK: {
    words: ['strict', 'contest'],
    meaning: 'the same for the fallback processor',
  },
  LEDGER_DURABILITY: {
    words: ['warn', 'require'],
    meaning:
      'a database that loses committed rows in a power failure (fsync or full_page_writes off) is used, which the log says (warn), or nothing is charged and recorded (require)',
  },
  ALLOW_PURGE: { words: ['0', '1'], meaning: 'whether POST /purge-payments exists' },
} as const;

/** A setting that is an address or a path; without a default it must be given. */
export const TEXT_SETTINGS = {
  SOCKET_PATH: 'Unix socket to listen on',
  PEER_SOCKET_PATHS: 'sockets of all instances in order, this one included (default: SOCKET_PATH)',
  JOURNAL_PATH: 'file of the journal, of this instance alone',
  DATABASE_URL:
    'PostgreSQL, as postgres://user:password@host:port/database; of PG* variables none counts',
  PROCESSOR_DEFAULT_URL:
    'http:// or https:// address of the default processor; a user and a password in it, a path ' +
    'and a query go with every request',
  PROCESSOR_FALLBACK_URL: 'the same for the fallback processor',
} as const;
