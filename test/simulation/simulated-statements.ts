// What the statements of the shards do at the simulated database. Conditions and settings are read
// from their text, so a statement that lacks one does without it.

import type { Backend, Result, Statement } from './simulated-backend.ts';
import type { Change } from './simulated-database.ts';

type Answer = (result: Result) => void;
type Meaning = (session: Backend, statement: Statement, answer: Answer) => void;

const CELL_BYTES = 64;

const MEANINGS: readonly (readonly [RegExp, Meaning])[] = [
  [/tcp_keepalives_idle/, set],
  // The client names no process either: nothing is in between.
  [/^SELECT pg_backend_pid/, (_, __, answer) => answer({ rows: [{}] })],
  [/^SELECT\s+CASE WHEN pg_try_advisory_lock/, tryLock],
  [/pg_terminate_backend\(pid\) FROM pg_locks/, endHolder],
  [/pg_terminate_backend\(pid\) FROM pg_stat_activity/, (_, __, answer) => answer({ rows: [] })],
  [/SET epoch = epoch \+ 1/, take],
  [/^UPDATE shards SET home =/, setHome],
  [/SET heartbeat_at = clock_timestamp\(\)/, beat],
  [/SET heartbeat_at = '-infinity'/, release],
  [/FROM journal_cells/, readCells],
  [/INSERT INTO journal_cells/, writeCells],
  [/AS has_standby/, readShards],
  [/^SELECT FROM shards/, isLatest],
  [/INSERT INTO shards/, (_, __, answer) => answer({ rows: [] })],
  [/to_regclass\('ledger_steps'\)/, (_, __, answer) => answer({ rows: [{ has_steps: true }] })],
  [
    /FROM ledger_steps/,
    (_, __, answer) => answer({ rows: Array.from({ length: 99 }, (_row, n) => ({ step: n + 1 })) }),
  ],
];

const known = new Map<string, Meaning>();

/** @throws for a statement that it doesn't know */
export function meaningOf(text: string): Meaning {
  const meaning =
    known.get(text) ?? MEANINGS.find(([pattern]) => pattern.test(text.trimStart()))?.[1];
  if (meaning === undefined) throw new Error(`the simulated database doesn't know: ${text}`);
  known.set(text, meaning);
  return meaning;
}

function set(session: Backend, { text }: Statement, answer: Answer): void {
  session.isLocal = text.includes('synchronous_commit = local');
  session.listens = text.includes('LISTEN');
  answer({ rows: [] });
}

function tryLock(session: Backend, { values }: Statement, answer: Answer): void {
  const shard = values[0] as number;
  const holder = [...session.database.backends].find(({ locks }) => locks.has(shard));
  const got = holder === undefined || holder === session;
  if (got) session.locks.add(shard);
  else holder.contest(session, shard);
  answer({ rows: [{ got }] });
}

function endHolder(session: Backend, { text, values }: Statement, answer: Answer): void {
  const shard = values[0] as number;
  const { database } = session;
  const youngMs = text.includes(`NOT BETWEEN clock_timestamp() - interval '2 seconds'`) ? 2_000 : 0;
  for (const holder of database.backends) {
    if (holder === session || !holder.locks.has(shard)) continue;
    const ageMs = database.nowMs - holder.startedAtMs;
    if (ageMs < 0 || ageMs > youngMs) holder.end('terminated');
  }
  answer({ rows: [] });
}

/** Whether the shard's row is that of the epoch and the owner that the statement asks for. */
function isMeant(session: Backend, { text, values }: Statement): boolean {
  const [shard, epoch, owner] = values as [number, number, string];
  const row = session.database.tables.shards[shard];
  return (
    (row?.epoch === epoch || !text.includes('AND epoch = $2')) &&
    (row?.owner === owner || !text.includes('AND owner = $3'))
  );
}

/** Changes the shard's row if it is the one that is meant. */
function changeRow(
  { session, statement, answer }: Call,
  { change, rows }: { readonly change: Change; readonly rows: Result['rows'] },
): void {
  const row = statement.values[0] as number;
  if (isMeant(session, statement)) session.commit(change, { rows, row }, answer);
  else answer({ rows: [] });
}

interface Call {
  readonly session: Backend;
  readonly statement: Statement;
  readonly answer: Answer;
}

function take(session: Backend, statement: Statement, answer: Answer): void {
  const [shard, , owner, address] = statement.values as [number, number, string, string];
  const { database } = session;
  database.whenRowIsFree(shard, () => {
    if (!session.alive) return;
    const { shards: rows, cells } = database.tables;
    const { epoch: before, home: writtenIn } = rows[shard] as (typeof rows)[0];
    const asksForCells = statement.text.includes('EXISTS (SELECT FROM journal_cells');
    const hasCells = asksForCells && (cells[shard]?.size ?? 0) > 0;
    const home = writtenIn !== '' || hasCells ? writtenIn : database.here;
    const [epoch, heartbeatAtMs] = [before + 1, database.nowMs];
    const change: Change = ({ shards }) => {
      shards[shard] = { epoch, owner, address, heartbeatAtMs, home };
    };
    changeRow(
      {
        session,
        statement,
        answer: (result) => {
          if (result.rows.length > 0) session.notify();
          answer(result);
        },
      },
      { change, rows: [{ epoch: String(epoch), has_moved: home !== database.here }] },
    );
  });
}

function setHome(session: Backend, statement: Statement, answer: Answer): void {
  const [shard] = statement.values as [number];
  const { database } = session;
  database.whenRowIsFree(shard, () => {
    if (!session.alive) return;
    const home = database.here;
    const change: Change = ({ shards }) => {
      shards[shard] = { ...shards[shard], home } as (typeof shards)[0];
    };
    session.commit(change, { rows: [], row: shard }, answer);
  });
}

function beat(session: Backend, statement: Statement, answer: Answer): void {
  const [shard] = statement.values as [number];
  const { database } = session;
  database.whenRowIsFree(shard, () => {
    if (!session.alive) return;
    const heartbeatAtMs = database.nowMs;
    const change: Change = ({ shards }) => {
      shards[shard] = { ...shards[shard], heartbeatAtMs } as (typeof shards)[0];
    };
    changeRow({ session, statement, answer }, { change, rows: [{ shard }] });
  });
}

function release(session: Backend, statement: Statement, answer: Answer): void {
  const [shard] = statement.values as [number];
  session.database.whenRowIsFree(shard, () => {
    if (!session.alive) return;
    const change: Change = ({ shards }) => {
      const row = shards[shard] as (typeof shards)[0];
      shards[shard] = { ...row, address: '', heartbeatAtMs: -Infinity };
    };
    changeRow({ session, statement, answer }, { change, rows: [{ shard }] });
    session.notify();
  });
}

function readCells(session: Backend, { text, values }: Statement, answer: Answer): void {
  const cells = session.database.tables.cells[values[0] as number] ?? new Map<number, Buffer>();
  const [, after, most] = values as [number, number?, number?];
  const isWanted = text.includes('slot < 0')
    ? (slot: number) => slot < 0
    : (slot: number) => slot > (after ?? -Infinity);
  const rows = [...cells].map(([slot, cell]) => ({ slot, cell }));
  const sorted = rows.toSorted((one, other) => one.slot - other.slot);
  answer({ rows: sorted.filter(({ slot }) => isWanted(slot)).slice(0, most) });
}

function writeCells(session: Backend, { values }: Statement, answer: Answer): void {
  const [shard, slots, bytes] = values as [number, readonly number[], Buffer];
  const change: Change = ({ cells }) => {
    for (const [n, slot] of slots.entries()) {
      cells[shard]?.set(slot, bytes.subarray(CELL_BYTES * n, CELL_BYTES * (n + 1)));
    }
  };
  session.commit(change, { rows: [] }, answer);
}

function isLatest(session: Backend, statement: Statement, answer: Answer): void {
  answer({ rows: isMeant(session, statement) ? [{}] : [] });
}

function readShards(session: Backend, { values }: Statement, answer: Answer): void {
  const { tables } = session.database;
  const rows = tables.shards.slice(0, values[0] as number).map((row, shard) => ({
    shard,
    epoch: String(row.epoch),
    address: row.address,
    heartbeat: row.heartbeatAtMs === -Infinity ? '-infinity' : String(row.heartbeatAtMs),
    has_standby: true,
  }));
  answer({ rows });
}
