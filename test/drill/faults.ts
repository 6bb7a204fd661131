// The eleven faults of the drill: how each begins and ends, and where it has to be seen.

import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { FALLBACK, idToText } from '../../src/payment.ts';
import { Load } from '../faults/load.ts';
import type { Stage } from '../faults/stage.ts';
import { recordByHand } from '../world/anomalies.ts';
import { waitUntil } from '../world/wait-until.ts';

export interface Fault {
  readonly name: string;
  /** Resolves when the fault is there. */
  readonly begin: () => Promise<void>;
  readonly end: () => Promise<void>;
  /** A line of some instance's metrics. */
  readonly metric: RegExp;
  /** An alarm on the page. */
  readonly alarm: RegExp;
  /** A line of some instance's log. */
  readonly logged: RegExp;
  readonly alert: string;
}

export interface FaultParts extends Stage {
  /** Starts an instance again. */
  readonly restart: (instance: number) => Promise<void>;
}

/** Well over the second from which a processor or the ledger is slow. */
const SLOW_MS = 1_500;
const HEADER_BYTES = 4096;
const CELL_BYTES = 64;
const DAMAGED = 10;

export function processorFaults({ world }: FaultParts): readonly Fault[] {
  const { levers } = world.default;
  return [
    {
      name: 'processor fails',
      begin: () => levers.setFailing(true),
      end: () => levers.setFailing(false),
      metric: /^repasse_circuit_breaker_open\{processor="default"\} 1$/m,
      alarm: /^default fails \(/m,
      logged: /"processor":"default".*"event":"processor fails"/,
      alert: 'RepasseProcessorFails',
    },
    {
      name: 'processor is slow',
      begin: () => levers.setDelay(SLOW_MS),
      end: () => levers.setDelay(0),
      metric: /^repasse_processor_slow\{processor="default"\} 1$/m,
      alarm: /^default is slow \(/m,
      logged: /"processor":"default".*"event":"processor is slow"/,
      alert: 'RepasseProcessorSlow',
    },
    ...[403, 429].map((status) => ({
      name: `processor refuses (${status})`,
      begin: () => levers.setFault({ kind: 'status', status }),
      end: () => levers.setFault({ kind: 'none' }),
      metric: /^repasse_processor_refuses\{processor="default"\} 1$/m,
      alarm: /^default refuses payments \(/m,
      logged: new RegExp(`"status":${status}.*"event":"processor refuses payments"`),
      alert: 'RepasseProcessorRefuses',
    })),
  ];
}

export function ledgerFaults({ world }: FaultParts): readonly Fault[] {
  const { database } = world;
  return [
    {
      name: 'PostgreSQL is away',
      begin: () => database.kill(),
      end: () => database.restart(),
      metric: /^repasse_ledger_up 0$/m,
      alarm: /^the ledger does not answer \(/m,
      logged: /"event":"ledger unavailable"/,
      alert: 'RepasseLedgerDown',
    },
    {
      name: 'PostgreSQL is read-only',
      begin: async () => {
        await database.shutDown();
        await database.restartAsStandby();
      },
      end: () => database.promote(),
      metric: /^repasse_ledger_up 0$/m,
      alarm: /^the ledger can not be used: the server is read-only, or a standby/m,
      logged: /"cause":"the server is (?:read-only|a standby).*"event":"ledger un/,
      alert: 'RepasseLedgerDown',
    },
    {
      name: 'PostgreSQL is slow',
      begin: async () => {
        world.gaps.database.answersLateMs = SLOW_MS;
      },
      end: async () => {
        world.gaps.database.answersLateMs = 0;
      },
      metric: /^repasse_ledger_slow 1$/m,
      alarm: /^the ledger is slow \(/m,
      logged: /"event":"ledger is slow"/,
      alert: 'RepasseLedgerSlow',
    },
  ];
}

export function instanceFaults({ world, random, book, restart }: FaultParts): readonly Fault[] {
  const victim = world.instance(1);
  /** With payments that no processor takes, until so much of the victim's ring is used. */
  async function fillRing(part: number): Promise<void> {
    for (const { levers } of world.processors) await levers.setFailing(true);
    await using load = new Load({ clients: [world.client], random, book, ratePerS: 400 });
    await waitUntil('so much of the ring is used', async () => {
      const { held, free } = await victim.status();
      return held >= part * (held + free);
    });
    await load.stop();
  }
  async function empty(): Promise<void> {
    for (const { levers } of world.processors) await levers.setFailing(false);
  }
  return [
    {
      name: 'an instance is gone',
      begin: async () => {
        await victim.kill();
      },
      end: () => restart(1),
      metric: /^repasse_peer_up\{peer="1"\} 0$/m,
      alarm: /^the instance does not answer \(instance 1\)$/m,
      logged: /"instance":0.*"peer":1.*"event":"instance does not answer"/,
      alert: 'RepasseInstanceDown',
    },
    {
      name: 'its journal is damaged',
      begin: async () => {
        await victim.kill();
        damage(victim.journalPath);
        await restart(1);
      },
      // As the operations guide says: a new journal, once it holds nothing when it stops.
      end: async () => {
        const stopsEmpty = async (): Promise<boolean> => {
          if (!victim.program.running) await restart(1);
          // A stop ends what is at a processor, and leaves what waits in the journal.
          await waitUntil('it holds nothing', async () => (await victim.status()).held === 0);
          await victim.kill('SIGTERM');
          return (await victim.latest('stopped'))['held'] === 0;
        };
        await waitUntil('it stops and holds nothing', stopsEmpty, { withinMs: 60_000 });
        rmSync(victim.journalPath);
        await restart(1);
      },
      metric: new RegExp(`^repasse_journal_damaged_cells ${DAMAGED}$`, 'm'),
      alarm: new RegExp(`^the start found ${DAMAGED} damaged cells in the journal \\(`, 'm'),
      logged: /"event":"journal is damaged"/,
      alert: 'RepasseJournalDamaged',
    },
    {
      name: 'the ring is filling up',
      begin: () => fillRing(0.3),
      end: empty,
      metric: /^repasse_ring_full_in_seconds [12]?\d?\d(?:\.\d+)?$/m,
      alarm: /^the ring is filling up \(/m,
      logged: /"event":"ring is filling up"/,
      alert: 'RepasseRingFillsUp',
    },
    {
      name: 'the ring is nearly full',
      begin: () => fillRing(0.82),
      end: empty,
      metric: /^repasse_ring_slots_used (?:4[1-9]\d|500)$/m,
      alarm: /^the ring is nearly full \(/m,
      logged: /"event":"ring is nearly full"/,
      alert: 'RepasseRingNearlyFull',
    },
  ];
}

/** The ledger has a payment already, at the other processor, when it is charged. */
export function anomalyFault({ world, random }: FaultParts): Fault {
  return {
    name: 'an anomaly',
    begin: async () => {
      const correlationId = idToText(random.id());
      for (const { levers } of world.processors) await levers.setFailing(true);
      assert.equal((await world.client.pay(correlationId, '19.90')).status, 202);
      await recordByHand(world.databaseUrl, {
        correlationId,
        processor: FALLBACK,
        amountCents: 1990,
        requestedAtMs: 1e12,
      });
      await world.default.levers.setFailing(false);
    },
    end: () => world.fallback.levers.setFailing(false),
    metric: /^repasse_anomalies_total [1-9]/m,
    alarm: /^an anomaly was found in the last ten minutes \(/m,
    logged: /"event":"charged at both processors"/,
    alert: 'RepasseAnomaly',
  };
}

/** As torn writes do: of each slot the cell that a write would have gone to. */
function damage(journalPath: string): void {
  const bytes = readFileSync(journalPath);
  const sequence = (cell: number): number =>
    bytes.readUInt32LE(HEADER_BYTES + cell * CELL_BYTES + 4);
  const file = openSync(journalPath, 'r+');
  for (let slot = 0; slot < DAMAGED; slot++) {
    const older = 2 * slot + (sequence(2 * slot) < sequence(2 * slot + 1) ? 0 : 1);
    const at = HEADER_BYTES + older * CELL_BYTES + 40;
    writeSync(file, Buffer.of((bytes[at] as number) ^ 0xff), 0, 1, at);
  }
  closeSync(file);
}
