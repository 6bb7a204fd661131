// The warm-up before an instance listens: made-up payments go through an engine of their own, so
// that V8 has compiled the code when the first real payment comes. Without it the first 200
// payments cost half as much CPU again, and the slowest takes three times as long (measured with
// 0.45 CPU, Node 24). Nothing of it stays, and nothing leaves the process.
//
// It runs only with a new journal. Otherwise payments wait for this instance, in the journal and at
// other instances, and a delay costs more than cold code.

import { createRouter } from './api/routes.ts';
import { ApiServer } from './api/server.ts';
import { HEADER_BYTES, SLOT_BYTES, type JournalFile } from './buffer/journal.ts';
import { sleep, type Clock } from './clock.ts';
import type { Config } from './config/config.ts';
import { IDLE_CPU } from './cpu.ts';
import { Engine } from './engine.ts';
import { Peer } from './gateways/peer.ts';
import { CHARGED } from './gateways/outcome.ts';
import type { Processor } from './gateways/processor.ts';
import { idToText } from './payment.ts';

const SLOTS = 2_000;
const AT_ONCE = 4;
const LIMIT_MS = 3_000;
const CALL_MS = 1_000;
const NO_IDS = { ids: new Uint32Array(), last: undefined };

/**
 * Sends WARM_UP_PAYMENTS, for three seconds at most, or until `stop`. `config` is that of the real
 * engine.
 */
export async function warmUp(config: Config, clock: Clock, stop: AbortSignal): Promise<void> {
  if (config.WARM_UP_PAYMENTS === 0) return;
  const path = `${config.SOCKET_PATH}.warm-up`;
  const stage = new Peer({ socketPath: path }, clock);
  const engine = new Engine(
    {
      ...config,
      JOURNAL: 'file',
      SOCKET_PATH: path,
      PEER_SOCKET_PATHS: [path],
      RING_SLOTS: SLOTS,
      CONSUMERS: Math.min(config.CONSUMERS, SLOTS),
      BLOOM_FILTER_MIB: 1,
      JOURNAL_SYNC: 'never',
      RATE_LIMIT_PER_S: 0,
    },
    {
      clock,
      // Sending is warmed up as much as intake.
      cpu: IDLE_CPU,
      journalFile: memoryFile(),
      processors: [standIn(stage), standIn(stage)],
      ledger: {
        connect: () =>
          Promise.resolve({
            record: ({ rows }) => sleep(clock, 1).then(() => rows),
            close: nothing,
          }),
        find: () => Promise.resolve([]),
        idsAfter: () => Promise.resolve(NO_IDS),
        repairsAfter: () => Promise.resolve([]),
        recordAnomalies: () => Promise.resolve(),
        recordAction: () => Promise.resolve(),
        giveUp: () => Promise.resolve('given up'),
      },
      offer: () => Promise.resolve('away'),
      isOurs: () => Promise.resolve(true),
      log: { info: nothing, warn: nothing, error: nothing },
      onFatal: nothing,
    },
  );
  engine.recover(true);
  const server = new ApiServer(
    path,
    createRouter({
      admission: engine.admission,
      amountMaxCents: config.AMOUNT_MAX_CENTS,
      ownQuery: '',
      allowPurge: false,
    }),
  );
  await server.listen();
  engine.start();
  await play(stage, config.WARM_UP_PAYMENTS, clock, stop);
  await engine.stop(CALL_MS);
  await stage.close();
  await server.close(sleep(clock, CALL_MS));
}

async function play(stage: Peer, payments: number, clock: Clock, stop: AbortSignal): Promise<void> {
  const endMs = clock.elapsed() + LIMIT_MS;
  let sent = 0;
  const one = async (): Promise<void> => {
    const id = new Uint32Array(4);
    while (sent < payments && !stop.aborted && clock.elapsed() < endMs) {
      id.fill(++sent);
      await stage.offer(idToText(id), sent, CALL_MS);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

/** Charges by a call through undici to ourselves. */
function standIn(stage: Peer): Processor {
  return {
    charge: async () => {
      await stage.flush(CALL_MS);
      return CHARGED;
    },
    lookup: () => Promise.resolve({ held: 'absent', status: 404, excerpt: '' }),
    health: () => Promise.resolve(undefined),
  };
}

function memoryFile(): JournalFile {
  const bytes = Buffer.alloc(HEADER_BYTES + SLOTS * SLOT_BYTES);
  return {
    read: (buffer, position) => bytes.copy(buffer, 0, position),
    write: (buffer, position) => {
      bytes.set(buffer, position);
    },
    sync: () => Promise.resolve(),
  };
}

function nothing(): void {}
