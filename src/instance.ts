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
  FLUSH_ANSWER_MS,
  FLUSH_MS,
  NGINX_PAYMENT_MS,
  OFFER_MS,
  instanceNumber,
  readConfig,
  type Config,
} from './config.ts';
import { Engine } from './engine.ts';
import { HealthWatch } from './gateways/health.ts';
import { Peer } from './gateways/peer.ts';
import { HttpProcessor } from './gateways/processor.ts';
import { Bulletin } from './ledger/bulletin.ts';
import { Ledger } from './ledger/ledger.ts';
import { createLog, flushLog } from './log.ts';
import { Purge } from './purge.ts';
import { rehearse } from './rehearsal.ts';
import { Summaries } from './summary/totals.ts';

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
  const peers = config.PEER_SOCKET_PATHS.map((path) => new Peer(path, clock));
  const instance = instanceNumber(config);
  const others = peers.filter((_, n) => n !== instance);
  const ledger = new Ledger({
    url: config.DATABASE_URL,
    instance,
    timeoutMs: config.LEDGER_TIMEOUT_MS,
    durability: config.LEDGER_DURABILITY,
    clock,
    log,
  });
  const engine = new Engine(config, {
    clock,
    journalFile: file,
    processors,
    ledger: {
      connect: () => ledger.connect(),
      find: (ids) => ledger.find(ids),
      idsAfter: (id, most) => ledger.idsAfter(id, most),
      recordAnomalies: (found) => ledger.recordAnomalies(found),
    },
    offer: async (owner, id, cents) => peers[owner]?.offer(id, cents, OFFER_MS) ?? 'away',
    log,
    onFatal: fatal,
  });
  const { slots, damagedCells } = engine.recover(file.isNew);
  log.info('recovered', { payments: slots.length, damagedCells });

  const health = watchHealth(config, processors, engine);
  const purge = new Purge({
    clock,
    engine,
    begin: () => ledger.beginPurge(),
    isUnderWay: () => ledger.isBeingPurged(),
    others,
  });
  const flushes = peers.map(
    (peer, n) => () => (n === instance ? engine.flush(FLUSH_MS) : peer.flush(FLUSH_ANSWER_MS)),
  );
  const desk = createDesk({ engine, ledger, flushes, purge });
  const router = createRouter({
    desk,
    amountMaxCents: config.AMOUNT_MAX_CENTS,
    allowPurge: config.ALLOW_PURGE === '1',
  });
  const server = new ApiServer(config.SOCKET_PATH, router);
  void ledger.start();
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
  endInOrder(engine.status());
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
  readonly engine: Engine;
  readonly ledger: Ledger;
  /**
   * Of each instance, this one included: the reason why not all that it has charged is recorded.
   */
  readonly flushes: readonly (() => Promise<string | undefined>)[];
  readonly purge: Purge;
}

function createDesk({ engine, ledger, flushes, purge }: DeskParts): Desk {
  const missing = async (): Promise<string | undefined> => {
    const reasons = await Promise.all(flushes.map((flush) => flush()));
    const behind = reasons.findIndex((reason) => reason !== undefined);
    return behind < 0 ? undefined : `instance ${behind}: ${reasons[behind]}`;
  };
  const summaries = new Summaries({ missing, totals: (range) => ledger.totals(range) });
  return {
    pay: (id, amountCents, fromPeer) => engine.admit(id, amountCents, fromPeer),
    summary: (query) => summaries.of(query),
    purge: () => leadPurge(purge),
    holdStill: (name) => purge.holdStill(name),
    freeze: (name) => purge.freeze(name),
    forget: (name) => purge.forget(name),
    flush: () => engine.flush(FLUSH_MS),
    status: () => JSON.stringify(engine.status()),
  };
}

async function leadPurge(purge: Purge): Promise<'purged' | 'busy'> {
  try {
    const told = await purge.lead();
    log.info('purge', { told });
    return told;
  } catch (error) {
    log.warn('purge failed', { message: (error as Error).message });
    throw error;
  }
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

function watchHealth(
  config: Config,
  processors: readonly [HttpProcessor, HttpProcessor],
  engine: Engine,
): { stop(): void } {
  const bulletin = new Bulletin({
    url: config.DATABASE_URL,
    timeoutMs: config.LEDGER_TIMEOUT_MS,
    clock,
    onNews: (text) => watch.hear(text),
  });
  const watch = new HealthWatch({
    clock,
    processors,
    everyMs: config.HEALTH_EVERY_MS,
    timeoutMs: config.HEALTH_TIMEOUT_MS,
    leadingSinceMs: () => bulletin.leadingSinceMs,
    publish: (text) => bulletin.publish(text),
    onHealth: (processor, told) => engine.hear(processor, told),
  });
  bulletin.start();
  watch.start();
  const stop = (): void => {
    watch.stop();
    // The lead is free for another instance at once, not only at our end.
    void bulletin.close();
  };
  return { stop };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
