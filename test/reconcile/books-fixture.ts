// A ledger and two simulated processors, without instances: a test writes into each what it wants,
// and runs the command.

import type { TestContext } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { decimalFromCents } from '../../src/cents.ts';
import { batchOf } from '../../src/ledger/batch.ts';
import { connectLibpq } from '../../src/ledger/libpq.ts';
import { idToText, PROCESSORS, type LedgerRow, type ProcessorIndex } from '../../src/payment.ts';
import { makeLedger } from '../ledger/ledger-fixture.ts';
import { query, type DatabaseServer } from '../world/database.ts';
import { Processor } from '../world/processor.ts';
import { Program } from '../world/program.ts';
import { makeTempDirectory } from '../world/temp-directory.ts';

export const RECONCILE = new URL('../../src/reconcile.js', import.meta.url);

export const NOON = Date.UTC(2025, 6, 15, 12);

/** What the command prints with --json. */
export interface Printed {
  readonly agrees: boolean;
  readonly differences: readonly {
    readonly kind: string;
    readonly correlationId?: string;
    readonly at?: string;
    readonly isRepairable: boolean;
    readonly [name: string]: unknown;
  }[];
  readonly underWay: readonly string[];
  readonly notes: readonly string[];
  readonly notCompared: readonly string[];
  readonly anomalies: readonly { readonly correlationId: string }[];
  readonly looked: { readonly rows: number; readonly lines: number };
  readonly outcomes?: readonly { readonly what: string; readonly result: string }[];
  readonly after?: Printed;
}

export interface Reconciled {
  readonly code: number | NodeJS.Signals;
  readonly printed: Printed | undefined;
  readonly output: string;
}

export const kindsIn = (printed: Printed | undefined): Record<string, string> =>
  Object.fromEntries(
    (printed?.differences ?? []).map(({ kind, correlationId, at }) => [
      correlationId ?? (at as string),
      kind,
    ]),
  );

export const REPAIR = ['--repair', '--actor', 'ana', '--reason', 'nightly comparison'];

export const idOf = (n: number): string => idToText(Uint32Array.of(0xabc, 0, 0, n));

/** Where the command finds the parts. */
export interface Addresses {
  readonly databaseUrl: string;
  readonly processors: readonly { readonly url: string }[];
}

export const environmentOf = ({ databaseUrl, processors }: Addresses): Record<string, string> => ({
  DATABASE_URL: databaseUrl,
  PROCESSOR_DEFAULT_URL: processors[0]?.url ?? '',
  PROCESSOR_FALLBACK_URL: processors[1]?.url ?? '',
});

export async function reconcile(
  environment: Record<string, string>,
  ...words: readonly string[]
): Promise<Reconciled> {
  const command = new Program(RECONCILE, words);
  command.start(environment);
  const code = await command.ended();
  const text = command.lines.join('\n');
  const printed = text.startsWith('{') ? (JSON.parse(text) as Printed) : undefined;
  return { code, printed, output: [...command.lines, ...command.errors].join('\n') };
}

export class Books {
  readonly databaseUrl: string;
  readonly processors: readonly [Processor, Processor];
  readonly directory = makeTempDirectory();

  private constructor(databaseUrl: string, processors: readonly [Processor, Processor]) {
    this.databaseUrl = databaseUrl;
    this.processors = processors;
  }

  static async open(server: DatabaseServer, context: TestContext): Promise<Books> {
    const { url } = await makeLedger(server, context);
    const directory = makeTempDirectory();
    const start = (name: 'default' | 'fallback', feePercent: number): Promise<Processor> =>
      Processor.start({ name, feePercent, stateFile: `${directory}/${name}.state` });
    const processors = await Promise.all([start('default', 5), start('fallback', 15)] as const);
    context.after(() => Promise.all(processors.map((processor) => processor.close())));
    return new Books(url, processors);
  }

  /** In the ledger, as a batch writer records it. */
  async record(...rows: readonly LedgerRow[]): Promise<void> {
    const connection = await connectLibpq(this.databaseUrl, { name: 'test' }, 5_000, systemClock);
    try {
      for (const processor of PROCESSORS) {
        const own = rows.filter((row) => row.processor === processor);
        if (own.length > 0) await connection.record(batchOf(own));
      }
    } finally {
      connection.close();
    }
  }

  /** At the row's processor. */
  async charge(...rows: readonly LedgerRow[]): Promise<void> {
    for (const { correlationId, amountCents, requestedAtMs, processor } of rows) {
      const requestedAt = new Date(requestedAtMs).toISOString();
      const answer = await fetch(`${this.processors[processor].url}/payments`, {
        method: 'POST',
        body:
          `{"correlationId":"${correlationId}","amount":${decimalFromCents(amountCents)},` +
          `"requestedAt":"${requestedAt}"}`,
      });
      if (answer.status !== 200) throw new Error(`answered ${answer.status}`);
    }
  }

  /** In both. */
  async settle(...rows: readonly LedgerRow[]): Promise<void> {
    await this.record(...rows);
    await this.charge(...rows);
  }

  query<Row extends Record<string, unknown>>(text: string): Promise<Row[]> {
    return query<Row>(this.databaseUrl, text);
  }

  /** With the processors at other addresses. */
  reconcileThrough(
    processors: Addresses['processors'],
    ...words: readonly string[]
  ): Promise<Reconciled> {
    return reconcile(
      environmentOf({ databaseUrl: this.databaseUrl, processors }),
      '--json',
      ...words,
    );
  }

  reconcile(...words: readonly string[]): Promise<Reconciled> {
    return reconcile(environmentOf(this), '--json', ...words);
  }
}

export const row = (
  n: number,
  processor: ProcessorIndex = 0,
  amountCents = 1990,
  requestedAtMs = NOON + n,
): LedgerRow => ({ correlationId: idOf(n), processor, amountCents, requestedAtMs });
