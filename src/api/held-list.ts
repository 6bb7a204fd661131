// The payments that the instances hold, oldest first, and how many stand where.

import type { Engine } from '../engine.ts';
import type { HeldAnswer, Peer } from '../gateways/peer.ts';
import { STAGES, type Stage } from '../watch/stages.ts';
import { LIMIT_MAX, type ListQuery } from './list-query.ts';
import type { PaymentStatuses } from './payment-status.ts';

export interface HeldListsParts {
  readonly instance: number;
  readonly engine: Engine;
  /** All instances in order, this one included. */
  readonly peers: readonly Peer[];
  readonly payments: PaymentStatuses;
}

/** For a peer's answer. */
const PEER_MS = 1_000;

export class HeldLists {
  readonly #parts: HeldListsParts;

  constructor(parts: HeldListsParts) {
    this.#parts = parts;
  }

  /** Of this instance. Takes some milliseconds for 100,000 payments. */
  here({ state, limit }: ListQuery): HeldAnswer {
    const { ring, stages } = this.#parts.engine;
    const counts = Object.fromEntries(STAGES.map((stage) => [stage, 0])) as Record<Stage, number>;
    let oldest: number[] = [];
    const cut = (): void => {
      const at = ring.acceptedAtMs;
      oldest.sort((one, other) => (at[one] as number) - (at[other] as number));
      oldest = oldest.slice(0, limit);
    };
    let left = ring.used;
    for (let slot = 0; slot < ring.slots && left > 0; slot++) {
      if (!ring.isLive(slot)) continue;
      left--;
      const stage = stages.of(slot);
      counts[stage]++;
      if (state !== undefined && stage !== state) continue;
      // Cut now and then, so that the list stays short whatever the ring holds.
      if (oldest.push(slot) >= 2 * LIMIT_MAX) cut();
    }
    cut();
    return { payments: oldest.map((slot) => this.#parts.payments.ofSlot(slot)), counts };
  }

  /** Of all instances. `unreachable` has the numbers of those that did not answer in time. */
  async everywhere(
    query: ListQuery,
  ): Promise<HeldAnswer & { readonly unreachable: readonly number[] }> {
    const { instance, peers } = this.#parts;
    const answers = await Promise.all(
      peers.map((peer, number) =>
        number === instance
          ? Promise.resolve(this.here(query))
          : peer.held(queryOf(query), PEER_MS),
      ),
    );
    const lists = answers.filter((answer) => answer !== undefined);
    const counts = Object.fromEntries(
      STAGES.map((stage) => [
        stage,
        lists.reduce((sum, list) => sum + (list.counts[stage] ?? 0), 0),
      ]),
    );
    const payments = lists
      .flatMap((list) => list.payments)
      .toSorted((one, other) => ((one.acceptedAt ?? '') < (other.acceptedAt ?? '') ? -1 : 1))
      .slice(0, query.limit);
    const unreachable = [...answers.keys()].filter((number) => answers[number] === undefined);
    return { payments, counts, unreachable };
  }
}

function queryOf({ state, limit }: ListQuery): string {
  const parameters = new URLSearchParams({ limit: String(limit) });
  if (state !== undefined) parameters.set('state', state);
  return parameters.toString();
}
