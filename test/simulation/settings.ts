// The settings of the instances in one run: limits so small that each is reached, and every
// combination that config.ts allows.

import { readConfig, type Config } from '../../src/config/config.ts';
import type { Dice } from './dice.ts';

/**
 * One config per process; only its address differs. The Bloom filter may be smaller than config.ts
 * allows.
 */
export function throwSettings(dice: Dice, hasShards: boolean): readonly Config[] {
  const instances = dice.pick([1, 2, 2, 2, 2, 3]);
  const sockets = Array.from({ length: instances }, (_, n) => `/run/instance-${n}`);
  const consumers = Math.round(dice.spread(1, 40));
  const batchRows = Math.round(dice.spread(1, 20));
  const numbers = {
    RING_SLOTS: consumers + Math.round(dice.spread(1, 400)),
    CONSUMERS: consumers,
    RECONCILERS: dice.whole(1, 8),
    POOL_FALLBACK: Math.round(dice.spread(2, 100)),
    IN_FLIGHT_MAX: Math.round(dice.spread(3, 200)),
    TIMEOUT_DEFAULT_MS: Math.round(dice.spread(20, 1_000)),
    TIMEOUT_FALLBACK_MS: Math.round(dice.spread(20, 3_000)),
    TIMEOUT_SLACK_MS: Math.round(dice.spread(20, 6_000)),
    TIMEOUT_MAX_MS: dice.pick([3_000, 8_000]),
    RETRIES: dice.whole(0, 3),
    BACKOFF_FIRST_MS: dice.whole(0, 20),
    BACKOFF_NEXT_MS: dice.whole(0, 40),
    WAIT_COST_BPS_PER_S: dice.pick([0, 30, 300, 3_000]),
    FLIGHT_COST_BPS_PER_S: dice.pick([0, 160, 2_000]),
    BATCH_ROWS: batchRows,
    BATCH_WAIT_MS: dice.whole(0, 40),
    BATCH_ROWS_MAX: batchRows + dice.whole(0, 60),
    LEDGER_TIMEOUT_MS: Math.round(dice.spread(100, 2_000)),
    SENDS_PER_TURN: dice.whole(1, 16),
    SENDS_GATHER_MS: dice.pick([0, dice.whole(1, 100)]),
    RATE_LIMIT_PER_S: dice.pick([0, Math.round(dice.spread(100, 5_000))]),
    JOURNAL_SYNC_EVERY_MS: dice.whole(5, 100),
  };
  const common = {
    ...Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, String(value)])),
    POLICY: dice.pick(['thrifty', 'eager']),
    OUTCOMES_DEFAULT: dice.pick(['strict', 'contest']),
    OUTCOMES_FALLBACK: dice.pick(['strict', 'contest']),
    JOURNAL_SYNC: dice.pick(['never', 'never', 'interval', 'always', 'always']),
    DATABASE_URL: 'postgres://simulated/ledger',
    PROCESSOR_DEFAULT_URL: 'http://default',
    PROCESSOR_FALLBACK_URL: 'http://fallback',
  };
  // Down to two blocks: as full as a real one is after years, so that it knows ids that never were
  // added.
  const BLOOM_FILTER_MIB = dice.pick([1, 1, 2 ** -10, 2 ** -13]);
  const configOf = (own: Readonly<Record<string, string>>): Config => ({
    ...readConfig({ ...common, ...own }),
    BLOOM_FILTER_MIB,
  });
  if (!hasShards) {
    const files = { PEER_SOCKET_PATHS: sockets.join(','), JOURNAL_PATH: '/simulated' };
    return sockets.map((SOCKET_PATH) => configOf({ ...files, SOCKET_PATH }));
  }
  // Some wait as spares.
  return Array.from({ length: instances + dice.pick([1, 1, 2]) }, (_, process) =>
    configOf({
      JOURNAL: 'table',
      SHARDS: String(instances),
      SOCKET_PATH: '/run/instance',
      PEER_LISTEN: `host-${process}:7000`,
      PEER_SECRET: 'a-secret-of-the-cluster',
    }),
  );
}
