// A rude server and our processor against it, both gone with the test.

import type { TestContext } from 'node:test';
import type { Clock } from '../../src/clock.ts';
import { systemClock } from '../../src/clock.ts';
import type { OutcomeRule } from '../../src/gateways/outcome.ts';
import { HttpProcessor } from '../../src/gateways/processor.ts';
import { idToText, type Charge } from '../../src/payment.ts';
import { RudeServer } from './rude-server.ts';

export interface RudeWorld {
  readonly server: RudeServer;
  readonly processor: HttpProcessor;
}

interface RudeOptions {
  readonly connections?: number;
  readonly clock?: Clock;
  readonly path?: string;
  readonly outcomes?: OutcomeRule;
}

/** Longer than any answer that comes. */
export const PATIENCE_MS = 20_000;

export async function meetRudeServer(
  context: TestContext,
  { connections = 10, clock = systemClock, path = '', outcomes = 'contest' }: RudeOptions = {},
): Promise<RudeWorld> {
  const server = await RudeServer.start();
  const processor = new HttpProcessor({ url: server.url + path, connections, outcomes, clock });
  context.after(async () => {
    await processor.close();
    await server.close();
  });
  return { server, processor };
}

export const chargeNumber = (n: number): Charge => ({
  correlationId: idToText(Uint32Array.of(0xabcdef07, 0, 0, n)),
  amountCents: 1990,
  requestedAtMs: 1_752_582_896_789,
});
