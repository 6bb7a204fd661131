// What a cluster costs: the latency of POST /payments with the journal in a file and in a table,
// without and with a synchronous standby, and what a payment costs in CPU, WAL and commits. All on
// one machine and one disk, without nginx. With several shards all payments go to the first one,
// which passes on those of the others.

import { DatabaseServer, query } from '../test/world/database.ts';
import { freePort } from '../test/world/free-port.ts';
import { Standby } from '../test/world/standby.ts';
import { openWorld } from '../test/world/world.ts';
import { readCommandLine } from '../tools/command-line.ts';
import { openLoop, quantile } from '../tools/load/open-loop.ts';
import { familyCpuMs } from '../tools/system/processes.ts';
import { CLUSTER } from './benchmarks.ts';
import { markdownTable, measureInTurn, spread } from './report.ts';

const { rate, seconds, rounds } = readCommandLine({
  ...CLUSTER,
  words: {
    rate: { about: 'payments per second', preset: 500, least: 1 },
    seconds: { about: 'how long each arm is measured', preset: 10, least: 1 },
    rounds: { about: 'rounds', preset: 5, least: 1 },
  },
});
const WARM_UP_MS = 3_000;

interface Arm {
  readonly environmentOf: (number: number) => Readonly<Record<string, string>>;
  readonly hasStandby: boolean;
  readonly shards?: number;
}

const SHARDS_MAX = 3;
const ports = await Promise.all(Array.from({ length: SHARDS_MAX }, () => freePort()));
const file = (sync: string) => () => ({ JOURNAL_SYNC: sync });
const table =
  (shards = 1) =>
  (number: number) => ({
    JOURNAL: 'table',
    SHARDS: String(shards),
    SHARD: String(number),
    PEER_LISTEN: `127.0.0.1:${ports[number]}`,
    PEER_SECRET: 'a-secret-of-the-benchmark',
  });
const BASELINE = 'file, always';
const ARMS: Readonly<Record<string, Arm>> = {
  'file, never': { environmentOf: file('never'), hasStandby: false },
  [BASELINE]: { environmentOf: file('always'), hasStandby: false },
  table: { environmentOf: table(), hasStandby: false },
  'table, standby': { environmentOf: table(), hasStandby: true },
  'table, standby, 2 shards': { environmentOf: table(2), hasStandby: true, shards: 2 },
  'table, standby, 3 shards': { environmentOf: table(3), hasStandby: true, shards: 3 },
};

interface Measured {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly nodeUs: number;
  readonly postgresUs: number;
  readonly walBytes: number;
  readonly commits: number;
}

/** Commits so far, and bytes of WAL. */
interface Written {
  readonly commits: number;
  readonly walBytes: number;
}

const servers = {
  without: await DatabaseServer.start({ durable: true }),
  with: await DatabaseServer.start({ durable: true }),
};
const standby = await Standby.of(servers.with);

async function written(url: string): Promise<Written> {
  const [row] = await query<{ commits: string; bytes: string }>(
    url,
    `SELECT sum(xact_commit)::text AS commits,
       pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::text AS bytes FROM pg_stat_database`,
  );
  return { commits: Number(row?.commits), walBytes: Number(row?.bytes) };
}

async function measure({ environmentOf, hasStandby, shards = 1 }: Arm): Promise<Measured> {
  const database = hasStandby ? servers.with : servers.without;
  const options = { database, instances: shards, front: false, environmentOf };
  await using world = await openWorld(options);
  const instance = world.instance(0);
  const to = { path: instance.socketPath };
  await openLoop({ to, rate, durationMs: WARM_UP_MS });
  const postgres = (): number =>
    familyCpuMs(database.pid) + (hasStandby ? familyCpuMs(standby.pid) : 0);
  const before = await written(world.databaseUrl);
  const node = (): number =>
    world.instances.reduce((sum, { program }) => sum + familyCpuMs(program.pid), 0);
  const cpuBefore = { node: node(), postgres: postgres() };
  const { latenciesMs, statuses } = await openLoop({ to, rate, durationMs: seconds * 1_000 });
  const cpuAfter = { node: node(), postgres: postgres() };
  const after = await written(world.databaseUrl);
  const accepted = statuses.get(202) ?? 0;
  if (accepted !== rate * seconds) throw new Error(`only ${accepted} were accepted`);
  return {
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
    nodeUs: ((cpuAfter.node - cpuBefore.node) * 1_000) / accepted,
    postgresUs: ((cpuAfter.postgres - cpuBefore.postgres) * 1_000) / accepted,
    walBytes: (after.walBytes - before.walBytes) / accepted,
    commits: (after.commits - before.commits) / accepted,
  };
}

const measured = await measureInTurn(ARMS, rounds, measure);
await standby.close();
await Promise.all(Object.values(servers).map((server) => server.close()));

const baseline = measured.get(BASELINE) ?? [];
const COLUMNS: readonly (readonly [keyof Measured, string, number])[] = [
  ['p50Ms', 'p50 ms', 2],
  ['p99Ms', 'p99 ms', 2],
  ['nodeUs', 'Node CPU µs', 0],
  ['postgresUs', 'PostgreSQL CPU µs', 0],
  ['walBytes', 'WAL bytes', 0],
  ['commits', 'commits', 2],
];
console.log(
  `${rate} payments/s for ${seconds} s, ${rounds} rounds: median (minimum to maximum); ` +
    'CPU, WAL and commits for each payment; the ratio is that of p99 to "file, always"\n',
);
console.log(
  markdownTable(
    ['journal', ...COLUMNS.map(([, title]) => title), 'ratio'],
    [...measured].map(([arm, of]) => [
      arm,
      ...COLUMNS.map(([figure, , digits]) =>
        spread(
          of.map((one) => one[figure]),
          digits,
        ),
      ),
      spread(
        of.map((one, round) => one.p99Ms / (baseline[round]?.p99Ms ?? Number.NaN)),
        2,
      ),
    ]),
  ),
);
