// What an operator does to instances, journals and the ledger's register, with the settings of an
// instance in the environment. Each word of `npm run operate -- …`:
//   count 3 [--wait 60]   the ledger is for 3 instances once nothing is held, within 60 s
//   lost 1                the journal of instance 1 is lost, with what it held
//   adopt                 the journal belongs to no ledger: the next start takes what it finds
//   repair                the journal's damaged header is made anew from the payments behind it
// Exit codes: 0 done; 1 not done, and why; 2 a word or a setting that can't be used.

import { existsSync, statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { DiskJournalFile } from './buffer/journal-file.ts';
import { JournalError } from './buffer/journal-header.ts';
import { adoptAnyLedger, repairHeader } from './buffer/journal-repair.ts';
import { systemClock } from './clock.ts';
import { changeCount, connectRegister, forgetJournal } from './ledger/register-change.ts';
import { INSTANCES_MAX } from './settings.ts';

type Register = Awaited<ReturnType<typeof connectRegister>>;

const TIMEOUT_MS = 5_000;

class UsageError extends Error {}

function setting(name: string): string {
  const text = process.env[name];
  if (!text) throw new UsageError(`${name} is missing`);
  return text;
}

function whole(text: string | undefined, least: number, most: number): number {
  const value = /^\d+$/.test(text ?? '') ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(`"${text ?? ''}" must be a whole number from ${least} to ${most}`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Gives `use` a connection to the ledger of DATABASE_URL. */
async function withRegister<T>(use: (client: Register) => Promise<T>): Promise<T> {
  const client = await connectRegister(setting('DATABASE_URL'), TIMEOUT_MS);
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

/** What stands against it; undefined when it is done. */
async function count(number: string | undefined, wait: string): Promise<string | undefined> {
  const instances = whole(number, 1, INSTANCES_MAX);
  const waitMs = whole(wait, 1, 3_600) * 1_000;
  const change = { count: instances, clock: systemClock, waitMs, say };
  const why = await withRegister((client) => changeCount(client, change));
  if (why === undefined) {
    say(`the ledger is for ${instances} instances: start them with so many PEER_SOCKET_PATHS`);
  }
  return why;
}

async function lost(number: string | undefined): Promise<string | undefined> {
  const instance = whole(number, 0, INSTANCES_MAX - 1);
  const why = await withRegister((client) => forgetJournal(client, instance));
  if (why === undefined) say(`the next journal of instance ${instance} is taken for the right one`);
  return why;
}

function openJournal(): { readonly file: DiskJournalFile; readonly bytes: number } {
  const path = setting('JOURNAL_PATH');
  if (!existsSync(path)) throw new UsageError(`JOURNAL_PATH ${path} does not exist`);
  const bytes = statSync(path).size;
  return { file: new DiskJournalFile(path, bytes), bytes };
}

function adopt(): undefined {
  const { file } = openJournal();
  say(`belonged to ledger ${adoptAnyLedger(file) || 'none'}; the next start takes what it finds`);
  file.close();
}

function repair(): undefined {
  const paths = (process.env['PEER_SOCKET_PATHS'] || setting('SOCKET_PATH')).split(',');
  const instance = paths.indexOf(setting('SOCKET_PATH'));
  if (instance < 0) throw new UsageError('PEER_SOCKET_PATHS must contain SOCKET_PATH');
  const { file, bytes } = openJournal();
  const cells = repairHeader(file, bytes, { instance, instances: paths.length });
  say(`has a header again, of instance ${instance} of ${paths.length}; ${cells} cells are whole`);
  file.close();
}

async function run(): Promise<string | undefined> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { wait: { type: 'string', default: '60' } },
  });
  const [word, number] = positionals;
  switch (word ?? '') {
    case 'count':
      return count(number, values.wait);
    case 'lost':
      return lost(number);
    case 'adopt':
      return adopt();
    case 'repair':
      return repair();
    default:
      throw new UsageError('say one of: count <number>, lost <number>, adopt, repair');
  }
}

try {
  const why = await run();
  if (why !== undefined) process.stderr.write(`not done: ${why}\n`);
  process.exitCode = why === undefined ? 0 : 1;
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  const isTheirs = error instanceof UsageError || error instanceof JournalError;
  process.exitCode = isTheirs ? 2 : 1;
}
