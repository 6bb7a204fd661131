// Two instances without nginx: each is offered the same payments.

import assert from 'node:assert/strict';
import { idToText, ownerOf } from '../../src/payment.ts';
import { audit } from '../world/audit.ts';
import type { Client } from '../world/client.ts';
import type { Instance } from '../world/instances.ts';
import { openStage, type Stage } from './stage.ts';

export interface Pair extends Stage {
  readonly first: Instance;
  readonly second: Instance;
  /** All that was accepted is settled, once each. */
  readonly settled: () => Promise<void>;
  /** Posts new ids to both, the same to each, twice: of any owner, or of one. */
  readonly payBoth: (count: number, owner?: number) => Promise<void>;
  /** A payment is refused for this reason. */
  readonly refuses: (client: Client, reason: RegExp) => Promise<void>;
}

export async function openPair(): Promise<Pair> {
  const stage = await openStage({ front: false });
  const { world, random, book } = stage;
  const [first, second] = [world.instance(0), world.instance(1)];

  async function payBoth(count: number, owner?: number): Promise<void> {
    const clients = [first.client, second.client];
    for (let n = 0; n < count;) {
      const words = random.id();
      if (owner !== undefined && ownerOf(words, 2) !== owner) continue;
      n++;
      const id = idToText(words);
      for (const client of [...clients, ...clients]) {
        const status = await client.pay(id, '19.90').then(
          (reply) => reply.status,
          () => 0,
        );
        (status === 202 ? book.accepted : book.maybe).push({ id, cents: 1990 });
      }
    }
  }

  async function refuses(client: Client, reason: RegExp): Promise<void> {
    const { status, headers, body } = await client.pay(idToText(random.id()), '1.00');
    assert.equal(status, 503);
    assert.equal(headers['retry-after'], '1');
    assert.match(body, reason);
  }

  const settled = (): Promise<void> => audit(world, book.accepted, { maybe: book.maybe });
  return { ...stage, first, second, settled, payBoth, refuses };
}
