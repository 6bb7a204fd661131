// One API instance: reads the settings, joins the engine with the world, and ends the process.
//
// Exit codes: 0 stopped in order; 1 an error of the program, a journal that fails while it runs, or
// a socket that is in use; 2 a setting or a journal that can't be used; 3 another process runs the
// shard.

import { createApi } from './api/create-api.ts';
import type { ApiServer } from './api/server.ts';
import { startAdmin } from './api/start-admin.ts';
import { openFilterFile } from './buffer/disk-filter-file.ts';
import { DiskJournalFile } from './buffer/journal-file.ts';
import { HEADER_BYTES, JournalError, SLOT_BYTES, type Header } from './buffer/journal-header.ts';
import { sleep, systemClock, wholeTurn } from './clock.ts';
import { SystemCpu } from './cpu.ts';
import {
  ConfigError,
  instanceNumber,
  readConfig,
  renamedIn,
  type Config,
  type Environment,
} from './config/config.ts';
import { NGINX_PAYMENT_MS, OFFER_MS } from './config/bounds.ts';
import type { Joined } from './cluster/join-cluster.ts';
import { journalText } from './membership/disagreement.ts';
import { Engine } from './engine.ts';
import { createProcessors, type HttpProcessor } from './gateways/processor.ts';
import { HealthMonitor } from './health-monitor.ts';
import { guarded } from './membership/guarded-ports.ts';
import { joinMembership, peersOf } from './membership/join-membership.ts';
import { LeaderElection } from './ledger/leader-election.ts';
import { Ledger } from './ledger/ledger.ts';
import { createLog, flushLog, VERSION } from './log/log.ts';
import type { Membership } from './membership/membership.ts';
import { Purge } from './purge.ts';
import { OwnSnapshot } from './snapshot/own-snapshot.ts';
import { statusOf } from './api/status.ts';
import { warmUp } from './warm-up.ts';

const clock = systemClock;
let log = createLog(clock);

function fatal(error: unknown): void {
  if (error instanceof Error && error.name === 'LeaseLost') {
    log.warn('lease lost', { message: error.message });
    end(3);
  }
  log.error('fatal', {
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
  end(1);
}

/**
 * Runs the instance until `stop`, which may come at any moment, and ends the process. Before the
 * server listens, everything that matters is in the journal.
 */
export async function run(environment: Environment, stop: AbortSignal): Promise<void> {
  process.on('uncaughtException', fatal);
  process.on('unhandledRejection', fatal);
  try {
    await live(environment, stop);
  } catch (error) {
    if (error instanceof JournalError) {
      log.error('journal can not be used', { message: error.message });
    }
    if (error instanceof ConfigError || error instanceof JournalError) {
      process.stderr.write(`${error.message}\n`);
      end(2);
    }
    fatal(error);
  }
}

async function live(environment: Environment, stop: AbortSignal): Promise<void> {
  const settings = readConfig(environment);
  log = createLog(clock, instanceNumber(settings));
  log.info('starting');
  for (const names of renamedIn(environment)) log.warn('setting renamed', names);
  await wholeTurn(clock);
  if (stop.aborted) endInOrder();
  const cluster = settings.JOURNAL === 'table' ? await join(settings, stop) : undefined;
  const config = cluster?.config ?? settings;
  const file = cluster?.journalFile ?? openJournal(config);
  const processors = createProcessors(config, clock);
  const ledger = createLedger(config, () => engine);
  const peers = cluster?.peers ?? peersOf(config, clock);
  const ports = {
    clock,
    cpu: new SystemCpu(),
    journalFile: file,
    filterFile: cluster ? undefined : openFilterFile(config.JOURNAL_PATH, log),
    processors,
    ledger: ledger.port,
    offer: async (owner: number, id: string, cents: number, isInDoubt: boolean) =>
      peers[owner]?.offer(id, cents, OFFER_MS, isInDoubt) ?? 'away',
    isOurs: cluster?.isOurs ?? alone,
    log,
    onFatal: fatal,
  };
  const guardedPorts = guarded(ports, (): Membership => membership);
  const engine = new Engine(config, guardedPorts);
  const { slots, damagedCells } = engine.recover(file.isNew);
  log.info('recovered', { payments: slots.length, damagedCells });
  if (damagedCells > 0) log.error('journal is damaged', { damagedCells });

  const membership = joinMembership({ config, clock, log, engine, peers });
  membership.prepare();
  const health = startHealth(config, processors, engine);
  const purge = new Purge({
    clock,
    engine,
    isOurs: ports.isOurs,
    begin: () => ledger.beginPurge(),
    isUnderWay: async () => {
      await membership.agreed;
      return ledger.isBeingPurged();
    },
    others: peers.filter((_, n) => n !== instanceNumber(config)),
  });
  const own = new OwnSnapshot({ engine, membership, clock, version: VERSION });
  const ledgerPort = guardedPorts.ledger;
  const parts = { config, engine, ledger, ledgerPort, peers, purge, membership, own, clock, log };
  const { handlers, operations, router, server } = createApi(parts);
  const hasTables = new Promise<void>((resolve) => void ledger.start(resolve));
  membership.start(hasTables);
  if (file.isNew) await warmUp(config, clock, stop, log);
  await wholeTurn(clock);
  if (stop.aborted) await leaveInOrder(membership, cluster);
  engine.start();
  purge.openWhenOver();
  const adminServers = await startAdmin({ ...parts, handlers, operations });
  cluster?.serve(router);
  cluster?.watchStandby((isThere) => engine.hasStandby(isThere));
  await server.listen();
  log.info('listening', { socket: config.SOCKET_PATH });

  await aborted(stop);
  log.info('stopping');
  health.stop();
  await stopInOrder(server, engine, config.DRAIN_MS);
  for (const admin of adminServers) admin.close();
  await leaveInOrder(membership, cluster, statusOf(engine));
}

/** The lock on its file keeps other processes from the journal. */
const alone = (): Promise<true> => Promise.resolve(true);

/** Single-machine instances don't even load the cluster's code. */
async function join(settings: Config, stop: AbortSignal): Promise<Joined> {
  const { joinCluster } = await import('./cluster/join-cluster.ts');
  const joined = await joinCluster({ config: settings, clock, log, stop, onLost: fatal });
  if (joined === undefined) endInOrder();
  log = createLog(clock, instanceNumber(joined.config));
  return joined;
}

function openJournal({ JOURNAL_PATH, RING_SLOTS }: Config): DiskJournalFile {
  return new DiskJournalFile(JOURNAL_PATH, HEADER_BYTES + RING_SLOTS * SLOT_BYTES);
}

/** The name of an instance's sessions with the database. */
function sessionName(instance: number, { journalId }: Header): string {
  return `${instance}-${journalText(journalId)}`;
}

function createLedger(config: Config, engine: () => Engine): Ledger {
  const instance = instanceNumber(config);
  return new Ledger({
    url: config.DATABASE_URL,
    instance,
    writer: () => {
      const { header } = engine().journal;
      return { name: sessionName(instance, header), ledgerId: header.ledgerId };
    },
    timeoutMs: config.LEDGER_TIMEOUT_MS,
    durability: config.LEDGER_DURABILITY,
    clock,
    log,
  });
}

function startHealth(
  config: Config,
  processors: readonly [HttpProcessor, HttpProcessor],
  engine: Engine,
): HealthMonitor {
  const { DATABASE_URL: url, LEDGER_TIMEOUT_MS: timeoutMs } = config;
  const name = sessionName(engine.instance, engine.journal.header);
  const election = new LeaderElection({ url, name, timeoutMs, clock, log });
  const monitor = new HealthMonitor({ config, clock, processors, election, engine });
  monitor.start();
  return monitor;
}

function end(code: number): never {
  flushLog();
  process.exit(code);
}

/** Others may have the place, and the shard, at once. */
async function leaveInOrder(
  membership: Membership,
  cluster: Joined | undefined,
  status = {},
): Promise<never> {
  await membership.leave();
  await cluster?.leave();
  endInOrder(status);
}

function endInOrder(status = {}): never {
  log.info('stopped', status);
  end(0);
}

/**
 * Closes the server first. Requests that came before are still answered: their payments are held in
 * the journal. Requests that come later find no socket, and nginx sends them to another instance.
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
