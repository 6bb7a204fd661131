// The warm-up before an instance listens: made-up payments go through engines of their own, so that
// V8 has compiled the code when the first real payment comes. Without it the first 200
// payments cost half as much CPU again, and the slowest takes three times as long (measured with
// 0.45 CPU, Node 24). Nothing of it stays, and nothing leaves the machine.
//
// V8 compiles code for the kinds of objects that it has met, and throws the code away when another
// kind comes: one with other fields, or with the same fields in another order. So everything here
// is made as for real payments: settings, ports, journal file, requests as nginx sends them, ids,
// amounts, and answers over HTTP as processors send them. There are two engines, one after the
// other, because V8 may compile code for one engine alone while it has met no other.
//
// It runs only with a new journal. Otherwise payments wait for this instance, in the journal and at
// other instances, and a delay costs more than cold code.

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { createRouter } from './api/routes.ts';
import { ApiServer } from './api/server.ts';
import { HEADER_BYTES, SLOT_BYTES } from './buffer/journal.ts';
import { DiskJournalFile } from './buffer/journal-file.ts';
import { sleep, type Clock } from './clock.ts';
import { SOCKET_PATH_BYTES_MAX } from './config/bounds.ts';
import type { Config } from './config/config.ts';
import { IDLE_CPU } from './cpu.ts';
import { Engine } from './engine.ts';
import { createProcessors } from './gateways/processor.ts';
import type { Batch } from './ledger/batch.ts';
import type { Log } from './log/log.ts';
import { guarded } from './membership/guarded-ports.ts';
import type { Membership } from './membership/membership.ts';
import type { Ports } from './ports.ts';

/** With two decimals, one and none. The last one is within any AMOUNT_MAX_CENTS. */
const AMOUNTS = ['19.90', '19.9', '1000', '0.01'];
const SLOTS = 2_000;
const AT_ONCE = 4;
const ENGINES = 2;
/** For all engines together. */
const LIMIT_MS = 15_000;
const CALL_MS = 1_000;
const GATHER_MS_MAX = 10;
const NO_IDS = { ids: new Uint32Array(), last: undefined };
const AGREED = {
  state: 'agreed',
  agreed: Promise.resolve(),
  requireAgreed: () => Promise.resolve(),
} as Membership;

/**
 * Sends WARM_UP_PAYMENTS, for 15 seconds at most, or until `stop`. `config` is that of the real
 * engine. If that fails, a warning is logged and the start goes on.
 */
export async function warmUp(
  config: Config,
  clock: Clock,
  stop: AbortSignal,
  log: Log,
): Promise<void> {
  if (config.WARM_UP_PAYMENTS === 0) return;
  try {
    const processor = await startProcessor();
    try {
      const changed = changedConfig(config, processor);
      for (let n = 0; n < ENGINES && !stop.aborted; n++) await playThrough(changed, clock, stop);
    } finally {
      processor.closeAllConnections();
      processor.close();
    }
  } catch (error) {
    log.warn('not warmed up', { message: error instanceof Error ? error.message : String(error) });
  }
}

/**
 * Answers as the contest's processors do: Kestrel sends no Connection header, and a body with its
 * length or in chunks; here each in turn.
 */
async function startProcessor(): Promise<Server> {
  const answer = '{"message":"payment processed successfully"}';
  let answers = 0;
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      response.removeHeader('Connection');
      response.setHeader('Content-Type', 'application/json; charset=utf-8');
      response.setHeader('Server', 'Kestrel');
      if (answers++ % 2 === 0) response.setHeader('Content-Length', answer.length);
      response.writeHead(200).end(answer);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** The settings of the warm-up's engines, whose processors are both `processor`. */
function changedConfig(config: Config, processor: Server): Config {
  const url = `http://127.0.0.1:${(processor.address() as AddressInfo).port}`;
  const path = `${config.SOCKET_PATH}~`;
  if (Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX) throw new Error(`${path} is too long`);
  const peers = config.PEER_SOCKET_PATHS.map((peer) => (peer === config.SOCKET_PATH ? path : peer));
  return {
    ...config,
    JOURNAL: 'file',
    SOCKET_PATH: path,
    PEER_SOCKET_PATHS: peers,
    PROCESSOR_DEFAULT_URL: url,
    PROCESSOR_FALLBACK_URL: url,
    OUTCOMES_DEFAULT: 'contest',
    OUTCOMES_FALLBACK: 'contest',
    RING_SLOTS: SLOTS,
    CONSUMERS: Math.min(config.CONSUMERS, SLOTS),
    // Otherwise the ring would be full most of the time.
    SENDS_GATHER_MS: Math.min(config.SENDS_GATHER_MS, GATHER_MS_MAX),
    BLOOM_FILTER_MIB: 1,
    JOURNAL_SYNC: 'never',
    RATE_LIMIT_PER_S: 0,
  };
}

async function playThrough(config: Config, clock: Clock, stop: AbortSignal): Promise<void> {
  const processors = createProcessors(config, clock);
  const journalFile = makeJournal(config);
  const engine = makeEngine(config, { clock, processors, journalFile });
  engine.recover(true);
  const { SOCKET_PATH, AMOUNT_MAX_CENTS: amountMaxCents } = config;
  const { admission } = engine;
  const server = new ApiServer(
    SOCKET_PATH,
    createRouter({ admission, amountMaxCents, ownQuery: '', allowPurge: false }),
  );
  const limitMs = LIMIT_MS / ENGINES;
  const endMs = clock.elapsed() + limitMs;
  let sent = 0;
  const next = (): string | undefined =>
    sent < config.WARM_UP_PAYMENTS / ENGINES && !stop.aborted && clock.elapsed() < endMs
      ? requestFor(++sent, engine.instance)
      : undefined;
  let clients: Socket[] = [];
  try {
    await server.listen();
    engine.start();
    clients = Array.from({ length: AT_ONCE }, () => connect(SOCKET_PATH));
    const all = Promise.all(clients.map((client) => post(client, next)));
    await Promise.race([all, sleep(clock, limitMs)]);
  } finally {
    for (const client of clients) client.destroy();
    await engine.stop(CALL_MS);
    await server.close(sleep(clock, CALL_MS));
    await Promise.all(processors.map((processor) => processor.close()));
    journalFile.close();
  }
}

/** What nginx passes on: a payment of its own for the instance with this number. */
function requestFor(number: number, instance: number): string {
  const id = `${randomUUID().slice(0, -1)}${instance.toString(16)}`;
  const body = `{"correlationId":"${id}","amount":${AMOUNTS[number % AMOUNTS.length]}}`;
  const head = ['POST /payments HTTP/1.1', 'Host: localhost', `Content-Length: ${body.length}`];
  if (number % 2 === 0) head.push('User-Agent: warm-up');
  head.push('Content-Type: application/json');
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

/** Sends one request after the other, each when something of an answer has come. */
async function post(client: Socket, next: () => string | undefined): Promise<void> {
  const go = (): void => {
    const request = next();
    if (request === undefined) client.destroy();
    else client.write(request);
  };
  client.on('connect', go);
  client.on('data', go);
  await once(client, 'close');
}

function makeEngine(
  config: Config,
  given: Pick<Ports, 'clock' | 'journalFile' | 'processors'>,
): Engine {
  const { clock, journalFile, processors } = given;
  const ports: Ports = {
    clock,
    // Sending is warmed up as much as intake.
    cpu: IDLE_CPU,
    journalFile,
    processors,
    ledger: {
      connect: () =>
        Promise.resolve({
          record: ({ rows }: Batch) => sleep(clock, 1).then(() => rows),
          close: nothing,
        }),
      find: () => Promise.resolve([]),
      idsAfter: () => Promise.resolve(NO_IDS),
      repairsAfter: () => Promise.resolve([]),
      recordAnomalies: () => Promise.resolve(),
      recordAction: () => Promise.resolve(),
      giveUp: () => Promise.resolve('given up' as const),
    },
    offer: () => Promise.resolve('away' as const),
    isOurs: () => Promise.resolve(true),
    log: { info: nothing, warn: nothing, error: nothing },
    onFatal: nothing,
  };
  return new Engine(
    config,
    guarded(ports, () => AGREED),
  );
}

/** Its file is beside the socket, where this process may make files, and is deleted while open. */
function makeJournal({ SOCKET_PATH }: Config): DiskJournalFile {
  const folder = mkdtempSync(`${SOCKET_PATH}-`);
  try {
    return new DiskJournalFile(join(folder, 'journal'), HEADER_BYTES + SLOTS * SLOT_BYTES);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function nothing(): void {}
