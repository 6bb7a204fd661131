// A rude server and our processor's client; both end with the test.

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
  readonly host?: string;
  /** The processor's address, from the server's. */
  readonly address?: (url: string) => string;
  readonly outcomes?: OutcomeRule;
}

/** Longer than any answer that comes. */
export const PATIENCE_MS = 20_000;

export async function meetRudeServer(
  context: TestContext,
  {
    connections = 10,
    clock = systemClock,
    host = '127.0.0.1',
    address = (url): string => url,
    outcomes = 'contest',
  }: RudeOptions = {},
): Promise<RudeWorld> {
  const server = await RudeServer.start({ host });
  const processor = new HttpProcessor({ url: address(server.url), connections, outcomes, clock });
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
