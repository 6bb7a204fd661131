// A run as its command would have recorded it, without one: a preview whose latencies, errors and
// samples are given.
import { auditOf } from '../../tools/audit/audit.ts';
import type { Totals } from '../../tools/audit/totals.ts';
import { latencyOf } from '../../tools/contest/latency.ts';
import { planOf } from '../../tools/contest/plan.ts';
import { resultOf, sentOf, type Result, type RunContext } from '../../tools/contest/result.ts';
import { verdictOf, type PaymentSample } from '../../tools/contest/run-log.ts';
import type { Sample } from '../../tools/contest/sampler.ts';

const START_MS = 1_795_000_000_000;

/** What surrounds a run. */
export const RUN_CONTEXT: RunContext = {
  name: '2026-11-24-101502-preview-25076cd',
  addresses: {
    backend: 'http://127.0.0.1:9999',
    processors: ['http://127.0.0.1:8001', 'http://127.0.0.1:8002'],
  },
  surroundings: {
    commit: '25076cd',
    isDirty: false,
    node: 'v20.20.2',
    k6: '1.1.0',
    cpu: 'a processor',
    cores: 2,
    memoryBytes: 24 * 2 ** 30,
    kernel: '6.1',
    system: 'Debian',
    loadAverage: 0.5,
    settings: { POLICY: 'eager' },
  },
  samples: [],
  disturbed: [],
  warnings: [],
};

export interface Sent {
  readonly answer: string;
  readonly durationMs: number;
}

export interface Tale {
  readonly context?: Partial<RunContext>;
  /** Of 100 accepted payments, so many go to the fallback processor. */
  readonly atFallbackPercent?: number;
  /** In the last seconds nothing is settled any more. */
  readonly unsettled?: number;
  readonly hasSamples?: boolean;
}

/** Ten payments a second are sent; what was accepted is settled at once. */
export function recordedRun(sent: readonly Sent[], tale: Tale = {}): Result {
  const plan = planOf('preview', 1);
  const payments = sent.map(({ answer, durationMs }, index): PaymentSample => ({
    id: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
    sentAtMs: START_MS + index * 100,
    durationMs,
    answer,
    verdict: verdictOf(answer),
  }));
  const accepted = payments.filter(({ verdict }) => verdict === 'accepted');
  const settled = Math.max(0, accepted.length - (tale.unsettled ?? 0));
  const onFallback = Math.floor((settled * (tale.atFallbackPercent ?? 0)) / 100);
  const totals = (requests: number): Totals => ({ requests, cents: requests * plan.amountCents });
  const both = [totals(settled - onFallback), totals(onFallback)] as const;
  const end = { backend: both, processors: both };
  const samples = Array.from({ length: Math.ceil(sent.length / 10) }, (_, second): Sample => ({
    atMs: START_MS + second * 1_000,
    charged: [second * 9, second],
    machineCpuPercent: 150,
    usage: { 'instance 0': { cpuPercent: 12.5, memoryBytes: (50 + second) * 2 ** 20 } },
  }));
  const latency = latencyOf(accepted.map(({ durationMs }) => durationMs));
  const log = {
    payments,
    checks: [{ atMs: START_MS + 1_000, fromMs: 0, toMs: 1, standing: end }],
    stages: plan.stages.map(({ atMs }, stage) => {
      return { atMs: START_MS + atMs, stage, statuses: [200, 200, 200, 200] };
    }),
    end,
  };
  const held = accepted.map(({ id }) => ({ correlationId: id, amountCents: plan.amountCents }));
  const audit = auditOf(sentOf(payments, plan), [held, []], end);
  return resultOf(
    plan,
    { log, latency, notSent: 0, interrupted: false },
    { audit, standing: end, tookMs: 500 },
    { ...RUN_CONTEXT, ...(tale.hasSamples === false ? {} : { samples }), ...tale.context },
  );
}
