// A rehearsal before the doors open: some thousand made-up payments go through a pipeline of their own, so that V8 has compiled the way of
// a payment when the first real one comes. Without it, the first 200 cost half as much CPU again and the slowest take
// three times as long (measured under a quota of 0.45 CPU, Node 24). Nothing of it outlives it; nothing leaves the process.
//
// Only before the first life of a journal: where there was one already, payments wait for this instance, in the journal and at
// the others, which hold what they can't send. That costs more than being cold.

import { createRouter } from './api/routes.ts';
import { ApiServer } from './api/server.ts';
import { HEADER_BYTES, SLOT_BYTES, type JournalFile } from './buffer/journal.ts';
import { sleep, type Clock } from './clock.ts';
import type { Config } from './config.ts';
import { Engine } from './engine.ts';
import { Peer } from './gateways/peer.ts';
import { CHARGED } from './gateways/outcome.ts';
import type { Processor } from './gateways/processor.ts';
import { idToText } from './payment.ts';

const SLOTS = 2_000;
const AT_ONCE = 4;
const LIMIT_MS = 3_000;
const CALL_MS = 1_000;

/** Sends up to `payments` of them, for three seconds at most, or until `stop`. `config` is the real one. */
export async function rehearse(
  config: Config,
  payments: number,
  clock: Clock,
  stop: AbortSignal,
): Promise<void> {
  const path = `${config.SOCKET_PATH}.rehearsal`;
  const stage = new Peer(path, clock);
  const engine = new Engine(
    {
      ...config,
      SOCKET_PATH: path,
      PEER_SOCKET_PATHS: [path],
      RING_SLOTS: SLOTS,
      CONSUMERS: Math.min(config.CONSUMERS, SLOTS),
      SETTLED_FILTER_MIB: 1,
      JOURNAL_SYNC: 'never',
      // Sending is rehearsed as much as intake.
      SENDS_PER_S: 1_000_000,
    },
    {
      clock,
      journalFile: memoryFile(),
      processors: [standIn(stage), standIn(stage)],
      ledger: {
        connect: () =>
          Promise.resolve({
            record: ({ rows }) => sleep(clock, 1).then(() => rows),
            close: nothing,
          }),
        find: () => Promise.resolve([]),
        idsAfter: () => Promise.resolve([]),
        recordAnomalies: () => Promise.resolve(),
      },
      offer: () => Promise.resolve('away'),
      log: { info: nothing, warn: nothing, error: nothing },
      onFatal: nothing,
    },
  );
  engine.recover(true);
  const server = new ApiServer(
    path,
    createRouter({
      desk: {
        pay: (id, amountCents, fromPeer) => engine.admit(id, amountCents, fromPeer),
        summary: () => Promise.resolve({ json: '{}' }),
        purge: () => Promise.resolve('busy'),
        holdStill: () => Promise.resolve(false),
        freeze: () => false,
        forget: () => Promise.resolve(false),
        flush: () => Promise.resolve(undefined),
        status: () => '{}',
        identity: () => '{}',
        isMeant: () => true,
        disagreement: () => '',
      },
      amountMaxCents: config.AMOUNT_MAX_CENTS,
      allowPurge: false,
    }),
  );
  await server.listen();
  engine.start();
  await play(stage, payments, clock, stop);
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
    lookup: () => Promise.resolve({ held: 'absent', status: 404, said: '' }),
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
