// What the command line and the environment ask for. USAGE has the words.

import { parseArgs } from 'node:util';
import { faultOfWords } from '../command-words.ts';
import { faultOfActor, faultOfReason } from '../api/order-json.ts';
import { tokenFault, readAdminAddresses, type AdminAddress } from '../config/admin-address.ts';
import { AddressError, readDatabaseAddress } from '../config/database-address.ts';
import { readAddress } from '../config/processor-address.ts';
import { CONTEST_TOKEN } from '../gateways/processor-books.ts';
import type { RepairNote } from '../ledger/repair.ts';
import type { TimeRange } from '../ledger/reader.ts';
import { AdminClient } from '../payments/admin-client.ts';
import { fileOf } from '../payments/find-server.ts';
import { readRange } from '../summary/range.ts';

/** A word or a setting that can't be used; the message names it. */
export class UsageError extends Error {}

export interface ReconcileSettings {
  readonly databaseUrl: string;
  readonly processorUrls: readonly [string, string];
  readonly token: string;
  readonly admin: AdminClient | undefined;
  readonly range: TimeRange;
  /** `to` was cut to what is older than the margin. */
  readonly isCut: boolean;
  readonly marginMs: number;
  readonly reports: readonly [string | undefined, string | undefined];
  readonly both: boolean;
  readonly sumsOnly: boolean;
  /** Questions in a second. */
  readonly rate: number;
  readonly json: boolean;
  /** Without it nothing is changed. */
  readonly repair: RepairNote | undefined;
}

export const USAGE = `npm run reconcile -- [options]

Compares the ledger with what both processors hold, and says what differs. It changes
nothing without --repair, and never a processor.

Options:
  --from <time>, --to <time>    of requestedAt, in ISO 8601, both ends included
                                (default: from 1970 up to now without the margin)
  --margin <seconds>            payments that are younger are under way (default: 30)
  --report-default <file>       settlement report of the default processor: CSV or JSON with
                                correlationId, amount, requestedAt
  --report-fallback <file>      the same of the fallback processor
  --both                        asks about each row at the other processor too
  --sums                        compares sums only: a million rows take a minute
  --rate <number>               questions to processors in a second (default: 200)
  --json                        prints all that was found as JSON
  --repair                      makes the ledger say what the processors hold, one payment
                                at a time; needs --actor <who> and --reason <why>

Environment:
  DATABASE_URL, PROCESSOR_DEFAULT_URL, PROCESSOR_FALLBACK_URL
                                as an instance has them (default with npm run: those of the
                                system that npm start runs in DATA_DIR)
  ADMIN_LISTEN, ADMIN_TOKEN     the admin server of any instance: it says what is held
  PROCESSOR_TOKEN               of the processors' /admin endpoints (default: the contest's)

Exit codes:
  0  ledger and processors agree
  1  they differ
  2  a word, a setting or a report cannot be used
  3  not everything could be compared, and why; what was found so far is shown`;

const OPTIONS = {
  from: { type: 'string' },
  to: { type: 'string' },
  margin: { type: 'string', default: '30' },
  'report-default': { type: 'string' },
  'report-fallback': { type: 'string' },
  both: { type: 'boolean', default: false },
  sums: { type: 'boolean', default: false },
  rate: { type: 'string', default: '200' },
  json: { type: 'boolean', default: false },
  repair: { type: 'boolean', default: false },
  actor: { type: 'string' },
  reason: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Environment = Readonly<Record<string, string | undefined>>;

/** 'help' if that is asked for. @throws UsageError */
export function readReconcileSettings(
  words: readonly string[],
  environment: Environment,
  nowMs: number,
): ReconcileSettings | 'help' {
  const values = valuesOf(words);
  if (values.help) return 'help';
  const marginMs = wholeNumber('--margin', values.margin, 0, 86_400) * 1_000;
  const rate = wholeNumber('--rate', values.rate, 1, 100_000);
  if (values.sums && (values['report-default'] ?? values['report-fallback']) !== undefined) {
    throw new UsageError('--sums reads no report: leave one of them out');
  }
  const reportIn = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : fileOf(path, environment);
  const { range, isCut } = rangeOf(values, nowMs - marginMs);
  return {
    databaseUrl: databaseIn(environment),
    processorUrls: [
      processorIn(environment, 'PROCESSOR_DEFAULT_URL'),
      processorIn(environment, 'PROCESSOR_FALLBACK_URL'),
    ],
    token: environment['PROCESSOR_TOKEN'] || CONTEST_TOKEN,
    admin: adminIn(environment),
    range,
    isCut,
    marginMs,
    reports: [reportIn(values['report-default']), reportIn(values['report-fallback'])],
    both: values.both,
    sumsOnly: values.sums,
    rate,
    json: values.json,
    repair: noteIn(values),
  };
}

type Values = ReturnType<typeof valuesOf>;

// oxlint-disable-next-line typescript/explicit-function-return-type -- parseArgs infers it
function valuesOf(words: readonly string[]) {
  const fault = faultOfWords(words, OPTIONS);
  if (fault !== undefined) throw new UsageError(`${fault} (see --help)`);
  const args = [...words];
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  if (positionals.length === 0) return values;
  throw new UsageError(`the argument "${positionals[0]}" is not known (see --help)`);
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(`${name} is "${text}", must be a whole number from ${least} to ${most}`);
}

const ONE_DAY_MS = 86_400_000;

function rangeOf({ from, to }: Values, lastMs: number): Pick<ReconcileSettings, 'range' | 'isCut'> {
  const query = Object.entries({ from, to }).flatMap(([name, text]) => {
    if (text === '') throw new UsageError(`--${name} is empty`);
    return text === undefined ? [] : [`${name}=${encodeURIComponent(text)}`];
  });
  const found = readRange(query.join('&'));
  if ('reason' in found) {
    const given = found.field === 'from' ? from : to;
    throw new UsageError(`--${found.field} is "${given}", ${found.reason}`);
  }
  // The processors' own programs read no time before that.
  const fromMs = from === undefined ? 0 : Math.max(found.fromMs, Date.UTC(0, 0, 1) + ONE_DAY_MS);
  const isCut = found.toMs > lastMs;
  const toMs = isCut ? lastMs : found.toMs;
  if (to !== undefined && found.toMs < fromMs) {
    const isEarly = from === undefined;
    throw new UsageError(isEarly ? '--to is before 1970: give --from too' : '--from is after --to');
  }
  if (toMs < fromMs) throw new UsageError('--from is younger than the margin: nothing to compare');
  return { range: { fromMs, toMs }, isCut };
}

function needed(environment: Environment, name: string): string {
  const text = environment[name];
  if (!text) throw new UsageError(`${name} is missing (see --help)`);
  return text;
}

function databaseIn(environment: Environment): string {
  const url = needed(environment, 'DATABASE_URL');
  try {
    readDatabaseAddress(url);
  } catch (error) {
    if (error instanceof AddressError) throw new UsageError(error.message);
    throw error;
  }
  return url;
}

function processorIn(environment: Environment, name: string): string {
  const url = needed(environment, name);
  const address = readAddress(url);
  if (typeof address === 'string') throw new UsageError(`${name} ${address}`);
  return url;
}

function adminIn(environment: Environment): ReconcileSettings['admin'] {
  const text = environment['ADMIN_LISTEN'];
  if (!text) return undefined;
  const addresses = readAdminAddresses(text);
  if (typeof addresses === 'string') throw new UsageError(`ADMIN_LISTEN ${addresses}`);
  const token = environment['ADMIN_TOKEN'] ?? '';
  const fault = tokenFault(token);
  if (fault !== undefined) throw new UsageError(`ADMIN_TOKEN ${fault}`);
  // A socket needs no token.
  const address = addresses.find((one) => 'path' in one) ?? (addresses[0] as AdminAddress);
  return new AdminClient(address, token);
}

function noteIn({ repair, actor, reason, sums }: Values): RepairNote | undefined {
  if (!repair) {
    if (actor === undefined && reason === undefined) return undefined;
    throw new UsageError('--actor and --reason are for --repair');
  }
  if (!actor?.trim()) throw new UsageError('--repair needs --actor: who repairs');
  if (!reason?.trim()) throw new UsageError('--repair needs --reason: why');
  if (sums) throw new UsageError('--repair needs more than sums: leave --sums out');
  const fault = faultOfActor(actor) ?? faultOfReason(reason);
  if (fault !== undefined) throw new UsageError(`--${fault.field} ${fault.reason}`);
  return { actor: actor.trim(), reason: reason.trim() };
}
