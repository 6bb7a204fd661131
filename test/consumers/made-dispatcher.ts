// A dispatcher on a clock that the test moves, with a list for a ring and attempts that the test
// ends.

import { setImmediate as turn } from 'node:timers/promises';
import type { Recovering } from '../../src/buffer/recovering.ts';
import type { Ring } from '../../src/buffer/ring.ts';
import type { Config } from '../../src/config/config.ts';
import type { Attempts } from '../../src/consumers/attempt.ts';
import { Dispatcher } from '../../src/consumers/dispatcher.ts';
import type { SendingRate } from '../../src/consumers/sending-rate.ts';
import type { Choice } from '../../src/gateways/choice.ts';
import type { Routing } from '../../src/gateways/routing.ts';
import type { ProcessorIndex } from '../../src/payment.ts';
import { VirtualClock } from '../ledger/virtual-clock.ts';

interface Attempted {
  readonly slot: number;
  readonly processor: ProcessorIndex;
  readonly end: () => void;
}

interface Changes {
  readonly consumers?: number;
  readonly sendsPerTurn?: number;
  readonly gatherMs?: number;
  readonly sendingRate?: Pick<SendingRate, 'take' | 'waitMs'>;
  readonly choose?: (slot: number) => Choice;
}

export function makeDispatcher(changes: Changes = {}) {
  const { consumers = 10, sendsPerTurn = 4, gatherMs = 0, choose = (): Choice => 0 } = changes;
  const { sendingRate = { take: () => true, waitMs: 0 } } = changes;
  const clock = new VirtualClock();
  const waiting: number[] = [];
  const attempts: Attempted[] = [];
  const dispatcher = new Dispatcher({
    clock,
    config: {
      CONSUMERS: consumers,
      SENDS_PER_TURN: sendsPerTurn,
      SENDS_GATHER_MS: gatherMs,
      POLICY: 'eager',
    } as Config,
    ring: {
      declines: new Uint32Array(100),
      peek: () => waiting[0] ?? -1,
      dequeue: () => waiting.shift() ?? -1,
      takeOut: () => {},
    } as unknown as Ring,
    recovering: { end: () => {} } as unknown as Recovering,
    sendingRate: sendingRate as SendingRate,
    routing: { choose: () => choose(waiting[0] as number) } as unknown as Routing,
    attempts: {
      run: (slot: number, processor: ProcessorIndex) =>
        new Promise<void>((end) => {
          attempts.push({ slot, processor, end });
        }),
    } as unknown as Attempts,
  });
  return { dispatcher, clock, waiting, attempts, slots: () => attempts.map(({ slot }) => slot) };
}

export const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

export async function turns(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await turn();
}
