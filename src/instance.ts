// One API instance: reads the settings, joins the engine with the world, and ends the process when it is told to stop.
//
// Exit codes: 0 stopped in order; 1 a fault of ours, a journal that fails later on (a new start recovers), or a socket in use; 2 a setting
// or a journal that can't be used.

import { ApiServer } from './api/server.ts';
import { createRouter } from './api/routes.ts';
import { DiskJournalFile } from './buffer/journal-file.ts';
import { HEADER_BYTES, JournalError, SLOT_BYTES } from './buffer/journal.ts';
import { sleep, systemClock, wholeTurn } from './clock.ts';
import { ConfigError, instanceNumber, readConfig, type Config } from './config.ts';
import { NGINX_PAYMENT_MS, OFFER_MS } from './settings.ts';
import { createDesk } from './desk.ts';
import { journalText } from './disagreement.ts';
import { Engine } from './engine.ts';
import { HttpProcessor } from './gateways/processor.ts';
import { guarded } from './guarded.ts';
import { joinMembership, peersOf } from './join-membership.ts';
import { Ledger } from './ledger/ledger.ts';
import { createLog, flushLog } from './log.ts';
import type { Membership } from './membership.ts';
import { Purge } from './purge.ts';
import { rehearse } from './rehearsal.ts';
import { watchHealth } from './watch-health.ts';

const clock = systemClock;
let log = createLog(clock);

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
  const processors = createProcessors(config);
  const ledger = createLedger(config, () => engine);
  const peers = peersOf(config, clock);
  const ports = {
    clock,
    journalFile: file,
    processors,
    ledger: ledger.port,
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
    begin: () => ledger.beginPurge(),
    isUnderWay: async () => {
      await membership.agreed;
      return ledger.isBeingPurged();
    },
    others: peers.filter((_, n) => n !== instanceNumber(config)),
  });
  const router = createRouter({
    desk: createDesk({ config, engine, ledger, peers, purge, membership, log }),
    amountMaxCents: config.AMOUNT_MAX_CENTS,
    allowPurge: config.ALLOW_PURGE === '1',
  });
  const server = new ApiServer(config.SOCKET_PATH, router);
  const hasTables = new Promise<void>((resolve) => void ledger.start(resolve));
  membership.start(hasTables);
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

function createLedger(config: Config, engine: () => Engine): Ledger {
  const instance = instanceNumber(config);
  return new Ledger({
    url: config.DATABASE_URL,
    instance,
    writer: () => {
      const { journalId, ledgerId } = engine().journalHeader;
      return { name: `${instance}-${journalText(journalId)}`, ledgerId };
    },
    timeoutMs: config.LEDGER_TIMEOUT_MS,
    durability: config.LEDGER_DURABILITY,
    clock,
    log,
  });
}

function createProcessors(config: Config): readonly [HttpProcessor, HttpProcessor] {
  return [
    new HttpProcessor({
      url: config.PROCESSOR_DEFAULT_URL,
      connections: config.POOL_DEFAULT,
      outcomes: config.OUTCOMES_DEFAULT,
      clock,
    }),
    new HttpProcessor({
      url: config.PROCESSOR_FALLBACK_URL,
      connections: config.POOL_FALLBACK,
      outcomes: config.OUTCOMES_FALLBACK,
      clock,
    }),
  ];
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

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
