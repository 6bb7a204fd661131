// One API instance: reads the settings, joins the engine with the world, and ends the process when it is told to stop.
//
// Exit codes: 0 stopped in order; 1 a fault of ours, a journal that fails later on (a new start recovers), or a socket in use; 2 a setting
// or a journal that can't be used.

import { ApiServer } from './api/server.ts';
import { createRouter, type Desk } from './api/routes.ts';
import { DiskJournalFile } from './buffer/journal-file.ts';
import { HEADER_BYTES, JournalError, SLOT_BYTES } from './buffer/journal.ts';
import { sleep, systemClock, wholeTurn } from './clock.ts';
import {
  ConfigError,
  FLUSH_MS,
  NGINX_PAYMENT_MS,
  OFFER_MS,
  instanceNumber,
  readConfig,
  type Config,
} from './config.ts';
import { Engine } from './engine.ts';
import type { Peer } from './gateways/peer.ts';
import { HttpProcessor } from './gateways/processor.ts';
import { connectLibpq } from './ledger/libpq.ts';
import { LedgerPurge } from './ledger/purge.ts';
import { LedgerReader } from './ledger/reader.ts';
import { guarded } from './guarded.ts';
import { joinMembership, meant, peersOf } from './join-membership.ts';
import { createLog, flushLog } from './log.ts';
import type { Membership } from './membership.ts';
import { journalText } from './disagreement.ts';
import type { LedgerPort } from './ports.ts';
import { Purge } from './purge.ts';
import { rehearse } from './rehearsal.ts';
import { Summaries } from './summary/totals.ts';
import { watchHealth } from './watch-health.ts';

const clock = systemClock;
let log = createLog(clock);

const SCHEMA_RETRY_MS = 500;

function fatal(error: unknown): void {
  log.error('fatal', {
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
  end(1);
}

/** Ends the process. `stop` may come at any moment: as long as the doors are closed, all there is to lose is in the journal. */
export async function run(
  environment: Readonly<Record<string, string | undefined>>,
  stop: AbortSignal,
): Promise<void> {
  process.on('uncaughtException', fatal);
  process.on('unhandledRejection', fatal);
  try {
    await live(readConfig(environment), stop);
  } catch (error) {
    if (error instanceof ConfigError || error instanceof JournalError) {
      process.stderr.write(`${error.message}\n`);
      end(2);
    }
    fatal(error);
  }
}

async function live(config: Config, stop: AbortSignal): Promise<void> {
  log = createLog(clock, instanceNumber(config));
  log.info('starting');
  await wholeTurn(clock);
  if (stop.aborted) endInOrder();
  const file = new DiskJournalFile(
    config.JOURNAL_PATH,
    HEADER_BYTES + config.RING_SLOTS * SLOT_BYTES,
  );
  const processors = [
    new HttpProcessor(config.PROCESSOR_DEFAULT_URL, config.POOL_DEFAULT, clock),
    new HttpProcessor(config.PROCESSOR_FALLBACK_URL, config.POOL_FALLBACK, clock),
  ] as const;
  const reader = new LedgerReader(config.DATABASE_URL, config.LEDGER_TIMEOUT_MS, (error) =>
    log.warn('ledger connection lost', { message: error.message }),
  );
  const peers = peersOf(config, clock);
  const others = peers.filter((_, n) => n !== instanceNumber(config));
  const ports = {
    clock,
    journalFile: file,
    processors,
    ledger: ledgerPort(config, reader, () => engine),
    offer: async (owner: number, id: string, cents: number) =>
      peers[owner]?.offer(id, cents, OFFER_MS) ?? 'away',
    log,
    onFatal: fatal,
  };
  const waits = (): Membership => membership;
  const engine = new Engine(config, guarded(ports, waits));
  const { slots, damagedCells } = engine.recover(file.isNew);
  log.info('recovered', { payments: slots.length, damagedCells });

  const membership = joinMembership({ config, clock, log, engine, peers });
  membership.prepare();
  const health = watchHealth({ config, clock, processors, engine });
  const purge = new Purge({
    clock,
    engine,
    begin: () => LedgerPurge.begin(config.DATABASE_URL, config.LEDGER_TIMEOUT_MS),
    isUnderWay: async () => {
      await membership.agreed;
      return reader.isBeingPurged();
    },
    others,
  });
  const desk = createDesk({ config, engine, reader, others, purge, membership });
  const router = createRouter({
    desk,
    amountMaxCents: config.AMOUNT_MAX_CENTS,
    allowPurge: config.ALLOW_PURGE === '1',
  });
  const server = new ApiServer(config.SOCKET_PATH, router);
  membership.start(makeSchema(reader));
  if (config.REHEARSAL > 0 && file.isNew) await rehearse(config, config.REHEARSAL, clock, stop);
  await wholeTurn(clock);
  if (stop.aborted) endInOrder();
  engine.start();
  purge.openWhenOver();
  await server.listen();
  log.info('listening', { socket: config.SOCKET_PATH });

  await aborted(stop);
  log.info('stopping');
  health.stop();
  await stopInOrder(server, engine, config.DRAIN_MS);
  await membership.leave();
  endInOrder(engine.status());
}

function ledgerPort(config: Config, reader: LedgerReader, engine: () => Engine): LedgerPort {
  return {
    connect: () => {
      const { journalId, ledgerId } = engine().journalHeader;
      const writer = { name: `${instanceNumber(config)}-${journalText(journalId)}`, ledgerId };
      return connectLibpq(config.DATABASE_URL, writer, config.LEDGER_TIMEOUT_MS, clock);
    },
    find: (ids) => reader.find(ids),
    idsAfter: (id, most) => reader.idsAfter(id, most),
  };
}

function end(code: number): never {
  flushLog();
  process.exit(code);
}

function endInOrder(status = {}): never {
  log.info('stopped', status);
  end(0);
}

/**
 * The doors first. What came in before is answered by an engine that still runs: it is held in the journal, which is as safe as
 * anywhere, and refusing it would be an error for nothing. What comes later finds no door, and nginx takes it to another instance.
 */
async function stopInOrder(server: ApiServer, engine: Engine, drainMs: number): Promise<void> {
  const endMs = clock.elapsed() + drainMs;
  const closed = server.close(sleep(clock, drainMs));
  await Promise.race([closed, sleep(clock, Math.min(drainMs, NGINX_PAYMENT_MS))]);
  await engine.stop(Math.max(0, endMs - clock.elapsed()));
  await closed;
}

interface DeskParts {
  readonly config: Config;
  readonly engine: Engine;
  readonly reader: LedgerReader;
  readonly others: readonly Peer[];
  readonly purge: Purge;
  readonly membership: Membership;
}

function createDesk({ config, engine, reader, others, purge, membership }: DeskParts): Desk {
  const us = meant(config, instanceNumber(config));
  const flush = (): Promise<boolean> => engine.flush(FLUSH_MS);
  const settled = async (): Promise<void> => {
    await Promise.all([flush(), ...others.map((peer) => peer.flush(FLUSH_MS))]);
  };
  const summaries = new Summaries({
    settled,
    totals: async (range) => {
      if (membership.disagreement?.about === 'ledger') throw new Error('it is another ledger');
      return reader.totals(range);
    },
  });
  return {
    pay: (id, amountCents, fromPeer) => engine.admit(id, amountCents, fromPeer),
    summary: (query) => summaries.of(query),
    purge: () => leadPurge(purge, membership),
    holdStill: (name) => purge.holdStill(name),
    freeze: (name) => purge.freeze(name),
    forget: (name) => purge.forget(name),
    flush,
    status: () => JSON.stringify({ ...engine.status(), membership: membership.state }),
    identity: () => JSON.stringify(membership.identity),
    isMeant: (query) => query === us,
    disagreement: () => membership.disagreement?.reason ?? '',
  };
}

async function leadPurge(purge: Purge, { state }: Membership): Promise<'purged' | 'busy'> {
  try {
    if (state === 'disagreed') throw new Error('this instance disagrees');
    const told = await purge.lead();
    log.info('purge', { told });
    return told;
  } catch (error) {
    log.warn('purge failed', { message: (error as Error).message });
    throw error;
  }
}

/** The database may come later than we do; until then payments are held. */
async function makeSchema(reader: LedgerReader): Promise<void> {
  for (;;) {
    try {
      await reader.ensureSchema(new URL('./ledger/schema.sql', import.meta.url));
      return;
    } catch (error) {
      log.warn('ledger unavailable', { message: (error as Error).message });
      await sleep(clock, SCHEMA_RETRY_MS);
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
