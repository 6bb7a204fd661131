// The last assertion of a test about faults: id by id, the accepted payments, what each processor
// holds and what the ledger has must agree to the cent and to the millisecond.

import assert from 'node:assert/strict';
import { PROCESSORS } from '../../src/payment.ts';
import {
  isSame,
  ledgerEntries,
  processorEntries,
  unsettled,
  wrongSums,
  type AuditedWorld,
  type Entry,
} from './books.ts';
import { waitUntil } from './wait-until.ts';

export interface AcceptedPayment {
  readonly id: string;
  readonly cents: number;
}

export interface AuditOptions {
  /** Payments without an answer: they were accepted or not, and their books must agree too. */
  readonly maybe?: readonly AcceptedPayment[];
  /** Taken before the end of a purge: the ledger may have forgotten them. */
  readonly forgotten?: readonly AcceptedPayment[];
  /** For everything accepted to settle: 60 s, since a loaded machine is slow and not wrong. */
  readonly withinMs?: number;
}

/** Differences that a message lists; more are counted. */
const LISTED_MAX = 20;

/**
 * Waits until every accepted payment is settled. @throws AssertionError that lists what still
 * disagrees after `withinMs`
 */
export async function audit(
  world: AuditedWorld,
  accepted: readonly AcceptedPayment[],
  { maybe = [], forgotten = [], withinMs = 60_000 }: AuditOptions = {},
): Promise<void> {
  const told: Told = { accepted, maybe, forgotten };
  let differences: readonly string[] = [];
  const agree = async (): Promise<boolean> => {
    // First whether anything is under way: what settles after that is in the lists.
    differences = await unsettled(world);
    if (differences.length > 0) return false;
    differences = await findDifferences(world, told);
    return differences.length === 0;
  };
  try {
    await waitUntil('the books agree', agree, { withinMs, everyMs: 50 });
  } catch (error) {
    const busy = await unsettled(world).catch(() => []);
    differences = [...busy, ...(await findDifferences(world, told).catch(() => []))];
    // A part that doesn't answer has no differences to list.
    if (differences.length === 0) throw error;
    const listed = differences.slice(0, LISTED_MAX).join('\n  ');
    assert.fail(`the books disagree in ${differences.length} places:\n  ${listed}`);
  }
}

type Told = Readonly<Record<'accepted' | 'maybe' | 'forgotten', readonly AcceptedPayment[]>>;

async function findDifferences(
  world: AuditedWorld,
  { accepted, maybe, forgotten }: Told,
): Promise<string[]> {
  const ledger = await ledgerEntries(world);
  const processors = await processorEntries(world);
  const differences = await wrongSums(world);
  const expected = new Map<string, AcceptedPayment>();
  for (const payment of [...forgotten, ...accepted, ...maybe])
    expected.set(payment.id.toLowerCase(), payment);
  const certain = new Set(accepted.map(({ id }) => id.toLowerCase()));
  const forgettable = new Set(forgotten.map(({ id }) => id.toLowerCase()));

  for (const id of new Set([...expected.keys(), ...ledger.keys(), ...processors.keys()])) {
    const charged = processors.get(id) ?? [];
    const recorded = ledger.get(id) ?? [];
    const [charge] = charged;
    const [row] = recorded;
    const payment = expected.get(id);
    const say = (what: string): void => {
      const places = `charged: ${textOf(charged) || 'nowhere'}; ledger: ${textOf(recorded) || 'nothing'}`;
      differences.push(`${id}: ${what} (${places})`);
    };
    if (!payment) say('was never accepted');
    else if (charged.length > 1) say('is charged twice');
    else if (!charge && certain.has(id)) say('was accepted and is charged nowhere');
    else if (charge && charge.cents !== payment.cents) {
      say(`is charged with other cents than ${payment.cents}`);
    } else if (!row && forgettable.has(id)) {
      continue;
    } else if (charge && row ? !isSame(charge, row) : charge !== row) {
      say('the ledger says something else');
    }
  }
  return differences;
}

const textOf = (entries: readonly Entry[]): string =>
  entries
    .map(({ processor, cents, requestedAtMs }) => {
      return `${processor}, ${cents} cents, requested ${new Date(requestedAtMs).toISOString()}`;
    })
    .join(' and ');

/** What each processor holds, by name: for assertions on where payments went. */
export async function chargedAt(
  world: AuditedWorld,
): Promise<Record<'default' | 'fallback', number>> {
  const lists = await Promise.all(world.processors.map(({ levers }) => levers.payments()));
  const [first, second] = PROCESSORS.map((processor) => lists[processor]?.length ?? 0);
  return { default: first as number, fallback: second as number };
}
