// What tests of a restore have in common: a ledger that is archived, two instances, and the steps
// of docs/PRODUCTION.md after a restore.

import assert from 'node:assert/strict';
import { decimalFromCents } from '../../src/cents.ts';
import { idToText, ownerOf } from '../../src/payment.ts';
import { Random } from '../buffer/seed.ts';
import { emptyBook, type Book } from '../faults/load.ts';
import { operate } from '../faults/operating.ts';
import { environmentOf, reconcile, REPAIR, type Reconciled } from '../reconcile/books-fixture.ts';
import { audit, chargedAt, type AcceptedPayment } from '../world/audit.ts';
import { query } from '../world/database.ts';
import type { Instance } from '../world/instances.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openWorld, type World } from '../world/world.ts';
import { ArchivedLedger } from './archived-ledger.ts';

export class RestoreStage {
  readonly ledger: ArchivedLedger;
  readonly world: World;
  readonly random = new Random();
  readonly book: Book = emptyBook();

  private constructor(ledger: ArchivedLedger, world: World) {
    this.ledger = ledger;
    this.world = world;
  }

  static async open(): Promise<RestoreStage> {
    const ledger = await ArchivedLedger.start();
    const environment = { RING_SLOTS: '5000' };
    const world = await openWorld({ database: ledger.server, front: false, environment });
    return new RestoreStage(ledger, world);
  }

  get clients(): Instance['client'][] {
    return this.world.instances.map(({ client }) => client);
  }

  /** So many for each instance, which owns them. */
  async pay(count: number): Promise<AcceptedPayment[]> {
    const { world, random, book } = this;
    const paid: AcceptedPayment[] = [];
    for (const [number, { client }] of world.instances.entries()) {
      for (let n = 0; n < count;) {
        const words = random.id();
        if (ownerOf(words, world.instances.length) !== number) continue;
        n++;
        const payment = { id: idToText(words), cents: 1 + random.below(10_000) };
        const { status } = await client.pay(payment.id, decimalFromCents(payment.cents));
        assert.equal(status, 202);
        paid.push(payment);
      }
    }
    book.accepted.push(...paid);
    return paid;
  }

  /** All that was accepted is settled, once each. What was set aside waits for a while. */
  settled(): Promise<void> {
    const { accepted, maybe } = this.book;
    return audit(this.world, accepted, { maybe, withinMs: 180_000 });
  }

  async failing(isDefaultFailing: boolean, isFallbackFailing: boolean): Promise<void> {
    const { world } = this;
    await world.default.levers.setFailing(isDefaultFailing);
    await world.fallback.levers.setFailing(isFallbackFailing);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    for (const { program } of this.world.instances) if (program.running) await program.kill(signal);
  }

  /** Resolves when all instances have a place in the ledger again. */
  async start(): Promise<void> {
    for (const instance of this.world.instances) await instance.restart();
    await this.become('agreed');
  }

  async become(state: 'agreed' | 'disagreed'): Promise<void> {
    for (const instance of this.world.instances) await instance.becomes(state);
  }

  /** For each instance; it is stopped. */
  async operate(word: 'adopt' | 'lost'): Promise<void> {
    for (const [number, instance] of this.world.instances.entries()) {
      const words = word === 'lost' ? ['lost', String(number)] : ['adopt'];
      const { code, words: said } = await operate(this.world, instance, ...words);
      assert.equal(code, 0, said);
    }
  }

  compare(...words: readonly string[]): Promise<Reconciled> {
    const all = ['--json', '--margin', '0', '--rate', '10000', ...words];
    return reconcile(environmentOf(this.world), ...all);
  }

  repair(): Promise<Reconciled> {
    return this.compare(...REPAIR);
  }

  /** Resolves when each instance has written a later mark than now. */
  async marked(): Promise<void> {
    const text = 'SELECT instance, mark::int AS mark FROM instances ORDER BY instance';
    const marks = (): Promise<{ mark: number }[]> => query(this.world.databaseUrl, text);
    const before = await marks();
    const areLater = async (): Promise<boolean> =>
      (await marks()).every(({ mark }, n) => mark > (before[n]?.mark ?? 0));
    await waitUntil('there are later marks', areLater, { withinMs: 60_000 });
  }

  rows(): Promise<{ id: string }[]> {
    return query(this.world.databaseUrl, 'SELECT correlation_id::text AS id FROM payments');
  }

  /** A repeat of each is known and changes nothing at a processor; another amount is refused. */
  async repeat(payments: readonly AcceptedPayment[]): Promise<void> {
    const { world } = this;
    const before = await chargedAt(world);
    for (const [n, { id, cents }] of payments.entries()) {
      const { client } = world.instance(n % world.instances.length);
      assert.equal((await client.pay(id, decimalFromCents(cents))).status, 202, id);
      assert.equal((await client.pay(id, decimalFromCents(cents + 1))).status, 409, id);
    }
    const held = async (): Promise<number> => {
      const all = await Promise.all(world.instances.map((instance) => instance.status()));
      return all.reduce((sum, status) => sum + status.held, 0);
    };
    await waitUntil('nothing is held', async () => (await held()) === 0);
    assert.deepEqual(await chargedAt(world), before);
  }

  /** The summary is what the processors say, to the cent. */
  async summaryAgrees(): Promise<void> {
    const { client, processors } = this.world;
    const summary = await client.summary();
    for (const { name, levers } of processors) {
      const { totalRequests, totalAmount } = await levers.summary();
      assert.deepEqual(summary[name], { totalRequests, totalAmount }, name);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.world.close();
    await this.ledger.close();
  }
}
