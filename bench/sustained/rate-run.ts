// One run at one rate: the load, what is watched meanwhile, and the books afterwards.

import { cpus } from 'node:os';
import { sleep, systemClock } from '../../src/clock.ts';
import { auditOf, faultsOf } from '../../tools/audit/audit.ts';
import { sumOf } from '../../tools/audit/totals.ts';
import { chargedAt, type Charged } from '../../tools/compose/charged.ts';
import { entryOfRow, ledgerFaults, LEDGER_QUERY } from '../../tools/compose/ledger.ts';
import { msUntil } from '../../tools/compose/running.ts';
import { usageDuring } from '../../tools/compose/usage-during.ts';
import type { Usage } from '../../tools/compose/usage.ts';
import { AMOUNT_CENTS, quantile } from '../../tools/load/open-loop.ts';
import type { LoadRecord } from '../../tools/load/prepared-load.ts';
import { idsIn } from '../../tools/load/prepared-payments.ts';
import { machineCpuMs } from '../../tools/system/processes.ts';
import { QuietWatch, type Quiet } from '../quiet.ts';
import { chargedCount } from './charged-count.ts';
import { committedByMs, CommitWatch } from './commit-watch.ts';
import { EarlyEnd } from './early-end.ts';
import { whatRunsOut } from './first-limit.ts';
import { Generated } from './generated.ts';
import { PROMISED, reasonsOf, timesOf, type Accepted, type Times } from './judge.ts';
import type { LedgerConnection } from './ledger-connection.ts';
import type { Stage } from './stage.ts';

export interface RateRun {
  readonly rate: number;
  readonly accepted: number;
  /** Whether all payments were sent: a run that can't succeed any more is ended. */
  readonly isWhole: boolean;
  readonly times: Times;
  /** Why the rate isn't sustained; none if it is. */
  readonly reasons: readonly string[];
  /** Lost, charged twice, or otherwise wrong: the money's faults. */
  readonly faults: readonly string[];
  readonly runsOut: readonly string[];
  readonly durationMs: number;
  readonly used: ReadonlyMap<string, Usage>;
  readonly generatorCpuMs: number;
  readonly generatorLateP99Ms: number;
  readonly processorsCpuMs: number;
  readonly quiet: Quiet;
}

/** More than nginx lets in at once (700), so that a stall is refused as it would be. */
const CONNECTIONS_MAX = 1_000;
const LOOK_MS = 500;
const DRAIN_MS_MAX = 300_000;
const ROW_QUERY = 'SELECT correlation_id, xmin FROM payments';

/** Begins and ends with empty books. */
export async function runAt(stage: Stage, rate: number, durationMs: number): Promise<RateRun> {
  await purge(stage);
  const ledger = await stage.openLedger();
  try {
    return await measure(stage, ledger, { rate, durationMs });
  } finally {
    await ledger.close();
  }
}

async function purge({ endpoints }: Stage): Promise<void> {
  const answers = [await endpoints.purgeBackend(), ...(await endpoints.purgeProcessors())];
  if (answers.some(({ status }) => status !== 200)) {
    throw new Error(`a purge was answered with ${answers.map(({ status }) => status).join(', ')}`);
  }
}

async function measure(
  stage: Stage,
  ledger: LedgerConnection,
  { rate, durationMs }: { readonly rate: number; readonly durationMs: number },
): Promise<RateRun> {
  const early = new EarlyEnd((rate * durationMs) / 1_000);
  const load = { to: stage.to, rate, durationMs, connectionsMax: CONNECTIONS_MAX };
  const generated = await Generated.prepare({ ...load, slowMs: PROMISED.p99Ms }, (report) => {
    if (early.onReport(report)) generated.stop();
  });
  const commits = new CommitWatch((sql) => ledger.ask(sql));
  const processorsBeforeMs = await stage.processorsCpuMs();
  commits.start();
  const looks = setInterval(() => {
    chargedCount(stage.endpoints)
      .then((charged) => early.onCharged(charged, Date.now()) && generated.stop())
      .catch(() => {});
  }, LOOK_MS);
  const { result, used } = await usageDuring(
    () => stage.usage(),
    async () => {
      const quietWatch = new QuietWatch(stage.containers);
      const [startMs, machineBeforeMs] = [performance.now(), machineCpuMs() ?? 0];
      generated.start();
      const { record, cpuMs } = await generated.finished;
      const machineMs = (machineCpuMs() ?? 0) - machineBeforeMs;
      const tookMs = performance.now() - startMs;
      const processorsCpuMs = (await stage.processorsCpuMs()) - processorsBeforeMs;
      return { record, cpuMs, machineMs, tookMs, processorsCpuMs, quiet: quietWatch.stop() };
    },
  ).finally(() => clearInterval(looks));
  const { record, quiet, tookMs, processorsCpuMs, cpuMs: generatorCpuMs } = result;
  const books = await settle(stage, ledger, commits, record);
  const generatorLateP99Ms = quantile(record.latenessMs.toSorted(), 0.99);
  const isWhole = record.sent >= (rate * durationMs) / 1_000;
  return {
    ...books,
    reasons: isWhole || books.reasons.length > 0 ? books.reasons : ['ended early'],
    rate,
    isWhole,
    used,
    durationMs: tookMs,
    generatorCpuMs,
    generatorLateP99Ms,
    processorsCpuMs,
    quiet,
    runsOut: whatRunsOut({
      used,
      cores: cpus().length,
      durationMs: tookMs,
      machineCpuMs: result.machineMs,
      generatorCpuMs,
      processorsCpuMs,
      lateP99Ms: generatorLateP99Ms,
    }),
  };
}

/** Waits until everything is recorded, then compares all sides, id by id. */
async function settle(
  stage: Stage,
  ledger: LedgerConnection,
  commits: CommitWatch,
  record: LoadRecord,
): Promise<Pick<RateRun, 'accepted' | 'times' | 'reasons' | 'faults'>> {
  const { endpoints } = stage;
  const ids = idsIn(record.ids);
  const accepted = new Set(ids.filter((_, index) => record.statuses[index] === 202));
  const unknown = new Set(ids.filter((id) => !accepted.has(id)));
  const isSettled = async (): Promise<boolean> => {
    const { backend, processors } = await endpoints.standing();
    if (backend === null || processors === null) return false;
    const [recorded, held] = [sumOf(backend), sumOf(processors)];
    return held.requests >= accepted.size && recorded.requests === held.requests;
  };
  const isCharged = async (): Promise<boolean> =>
    (await chargedCount(stage.endpoints)) >= accepted.size;
  // What is never charged or recorded is found by the audit below.
  await msUntil('every payment is charged', DRAIN_MS_MAX, isCharged).catch(() => {});
  await sleep(systemClock, PROMISED.recordedMs + LOOK_MS);
  await commits.stop();
  await msUntil('every payment is settled', DRAIN_MS_MAX, isSettled).catch(() => {});

  const { processors: urls } = endpoints.addresses;
  const held = [
    await chargedAt(0, urls[0], endpoints.token),
    await chargedAt(1, urls[1], endpoints.token),
  ] as const;
  const xmins = new Map((await ledger.ask(ROW_QUERY)).map(pairOf));
  const times = timesOf(
    record.latenciesMs.filter((_, index) => record.statuses[index] !== 0),
    acceptedOf(ids, record, held.flat(), (id) => {
      const xmin = xmins.get(id);
      return xmin === undefined ? undefined : committedByMs(commits.snapshots, xmin);
    }),
  );
  const [onDefault, onFallback] = held.map((list) =>
    list.map(({ id, cents }) => ({ correlationId: id, amountCents: cents })),
  );
  const sent = { accepted, unknown, amountCents: AMOUNT_CENTS };
  const audit = auditOf(sent, [onDefault ?? [], onFallback ?? []], await endpoints.standing());
  const rows = (await ledger.ask(LEDGER_QUERY)).map(entryOfRow);
  const faults = [...faultsOf(audit), ...ledgerFaults(rows, held.flat()).slice(0, 3)];
  return {
    accepted: accepted.size,
    times,
    reasons: [...faults, ...reasonsOf(times, countsOf(record.statuses))],
    faults,
  };
}

function acceptedOf(
  ids: readonly string[],
  { statuses, answeredAtMs }: LoadRecord,
  held: readonly Charged[],
  recordedByMs: (id: string) => number | undefined,
): Accepted[] {
  const chargedAtMs = new Map(held.map((charge) => [charge.id, charge.chargedAtMs ?? undefined]));
  return ids.flatMap((id, index) =>
    statuses[index] === 202
      ? {
          acceptedAtMs: answeredAtMs[index] as number,
          chargedAtMs: chargedAtMs.get(id),
          recordedByMs: recordedByMs(id),
        }
      : [],
  );
}

const pairOf = (row: string): readonly [string, number] => {
  const [id = '', xmin] = row.split(' ');
  return [id, Number(xmin)];
};

function countsOf(statuses: Uint16Array): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const status of statuses) counts.set(status, (counts.get(status) ?? 0) + 1);
  return counts;
}
