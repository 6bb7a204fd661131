// What an operator does to instances, journals and the ledger's register, with the settings of an
// instance in the environment. USAGE has the words.

import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { DiskJournalFile } from './buffer/journal-file.ts';
import { JournalError } from './buffer/journal-header.ts';
import { adoptAnyLedger, repairHeader } from './buffer/journal-repair.ts';
import { archiveBefore, detachMonth } from './archiving.ts';
import { systemClock } from './clock.ts';
import {
  adoptTable,
  removeTable,
  repairTable,
  type OperatedShard,
} from './cluster/operate-shard.ts';
import { faultOfWords } from './command-words.ts';
import { monthNamed, type Month } from './ledger/archive-months.ts';
import { changeCount, connectRegister, forgetJournal } from './ledger/register-change.ts';
import { grantRunTime } from './ledger/rights.ts';
import { makeInBackground, makeSchema, readSteps } from './ledger/schema.ts';
import { INSTANCES_MAX } from './config/bounds.ts';
import { USAGE } from './operate-usage.ts';

type Register = Awaited<ReturnType<typeof connectRegister>>;

const TIMEOUT_MS = 5_000;

class UsageError extends Error {}

function setting(name: string): string {
  const text = process.env[name];
  if (!text) throw new UsageError(`${name} is missing`);
  return text;
}

function wholeNumber(
  what: string,
  text: string | undefined,
  [least, most]: readonly [number, number],
): number {
  const value = /^\d+$/.test(text ?? '') ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(
    `${what} must be a whole number from ${least} to ${most}, not "${text ?? ''}"`,
  );
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Calls `use` with a connection to the ledger of DATABASE_URL. @throws when it can't be reached */
async function withRegister<T>(use: (client: Register) => Promise<T>): Promise<T> {
  const client = await connectRegister(setting('DATABASE_URL'), TIMEOUT_MS);
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

/** undefined when it is done; otherwise the reason why not. */
async function count(number: string | undefined, wait: string): Promise<string | undefined> {
  const instances = wholeNumber('the number of instances', number, [1, INSTANCES_MAX]);
  const waitMs = wholeNumber('--wait', wait, [1, 3_600]) * 1_000;
  const change = { count: instances, clock: systemClock, waitMs, say };
  const why = await withRegister((client) => changeCount(client, change));
  if (why === undefined) {
    say(
      `the ledger is for ${instances} instances: start them with so many PEER_SOCKET_PATHS or SHARDS`,
    );
  }
  return why;
}

async function lost(number: string | undefined): Promise<string | undefined> {
  const instance = wholeNumber('the instance', number, [0, INSTANCES_MAX - 1]);
  const why = await withRegister((client) => forgetJournal(client, instance));
  if (why === undefined) say(`the next journal of instance ${instance} is taken for the right one`);
  return why;
}

async function tables(role: string | undefined): Promise<undefined> {
  const schema = await readFile(new URL('ledger/schema.sql', import.meta.url), 'utf8');
  await withRegister(async (client) => {
    const steps = await makeSchema(client, schema);
    const later = await makeInBackground(client, schema);
    if (later === 'busy') say('an instance makes the steps in the background: not waited for');
    const made = steps.length + (later === 'busy' ? 0 : later.length);
    say(`made ${made} of ${readSteps(schema).length} steps; the others were there`);
    if (role === undefined) return;
    await grantRunTime(client, role);
    say(`${role} has what an instance needs`);
  });
}

function monthOf(what: string, text: string | undefined): Month {
  const month = monthNamed(text ?? '');
  if (month !== undefined) return month;
  throw new UsageError(`${what} must be a month such as 2025-07, not "${text ?? ''}"`);
}

function openJournal(): { readonly file: DiskJournalFile; readonly bytes: number } {
  const path = setting('JOURNAL_PATH');
  if (!existsSync(path)) throw new UsageError(`JOURNAL_PATH ${path} does not exist`);
  const bytes = statSync(path).size;
  return { file: new DiskJournalFile(path, bytes), bytes };
}

/** Of a table; a shard that isn't given is a file's. */
function shardOf(number: string | undefined): OperatedShard {
  const shard = wholeNumber('the shard', number, [0, INSTANCES_MAX - 1]);
  return { url: setting('DATABASE_URL'), timeoutMs: TIMEOUT_MS, shard };
}

async function adopt(shard: string | undefined): Promise<undefined> {
  const file = shard === undefined ? openJournal().file : undefined;
  const ledger = file === undefined ? await adoptTable(shardOf(shard)) : adoptAnyLedger(file);
  say(`belonged to ledger ${ledger || 'none'}; the next start takes what it finds`);
  file?.close();
}

async function remove(shard: string | undefined): Promise<undefined> {
  await removeTable(shardOf(shard));
  say('is removed; the next start makes one');
}

async function repair(shard: string | undefined): Promise<undefined> {
  if (shard === undefined) return repairFile();
  const shards = wholeNumber('SHARDS', setting('SHARDS'), [1, INSTANCES_MAX]);
  const ringSlots = wholeNumber('RING_SLOTS', setting('RING_SLOTS'), [1, 10_000_000]);
  const cells = await repairTable(shardOf(shard), { shards, ringSlots });
  say(`has a header again, of shard ${shard} of ${shards}; ${cells} cells are whole`);
}

function repairFile(): undefined {
  const paths = (process.env['PEER_SOCKET_PATHS'] || setting('SOCKET_PATH')).split(',');
  const instance = paths.indexOf(setting('SOCKET_PATH'));
  if (instance < 0) throw new UsageError('PEER_SOCKET_PATHS must contain SOCKET_PATH');
  const { file, bytes } = openJournal();
  const cells = repairHeader(file, bytes, { instance, instances: paths.length });
  say(`has a header again, of instance ${instance} of ${paths.length}; ${cells} cells are whole`);
  file.close();
}

const OPTIONS = {
  wait: { type: 'string' },
  before: { type: 'string' },
  for: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** How many words each command has, itself included, and its option. */
const COMMANDS = new Map<string | undefined, readonly [number, string?]>([
  ['count', [2, 'wait']],
  ['lost', [2]],
  ['tables', [1, 'for']],
  ['archive', [1, 'before']],
  ['detach', [2]],
  ['adopt', [2]],
  ['repair', [2]],
  ['remove', [2]],
]);

function checkWords(words: readonly string[], given: readonly string[]): void {
  const [command] = words;
  const [most, option] = COMMANDS.get(command) ?? [Number.POSITIVE_INFINITY];
  const further = words[most];
  if (further !== undefined) {
    throw new UsageError(`the argument "${further}" is too much (see --help)`);
  }
  const foreign = given.find((name) => name !== option);
  if (foreign === undefined || !COMMANDS.has(command)) return;
  throw new UsageError(`${command} takes no --${foreign} (see --help)`);
}

async function run(): Promise<string | undefined> {
  const args = process.argv.slice(2);
  const fault = faultOfWords(args, OPTIONS);
  if (fault !== undefined) throw new UsageError(`${fault} (see --help)`);
  const { positionals, values } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  const [command, number] = positionals;
  if (values.help) {
    say(USAGE);
    return undefined;
  }
  checkWords(positionals, Object.keys(values));
  switch (command ?? '') {
    case 'count':
      return count(number, values.wait ?? '60');
    case 'lost':
      return lost(number);
    case 'tables':
      return tables(values.for);
    case 'archive':
      return archiveBefore(monthOf('--before', values.before), setting('DATABASE_URL'), say);
    case 'detach':
      return detachMonth(monthOf('the month', number), setting('DATABASE_URL'), say);
    case 'adopt':
      return adopt(number);
    case 'repair':
      return repair(number);
    case 'remove':
      return remove(number);
    default:
      throw new UsageError(
        `"${command ?? ''}" is not one of: count <number>, lost <number>, adopt, archive, detach <month>, repair, remove <shard>, tables (see --help)`,
      );
  }
}

try {
  const why = await run();
  if (why !== undefined) process.stderr.write(`not done: ${why}\n`);
  process.exitCode = why === undefined ? 0 : 1;
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = error instanceof UsageError || error instanceof JournalError ? 2 : 1;
}
