// The books: of each payment what clients sent and were answered, where it is charged, and what the
// ledger has. Every entry is checked when it is made; the first one that breaks a rule ends the
// run.

import type { Anomaly } from '../../src/ledger/anomaly.ts';
import {
  processorName,
  PROCESSORS,
  type Charge,
  type IdWords,
  type LedgerRow,
  type ProcessorIndex,
} from '../../src/payment.ts';
import { Account, type Told } from './account.ts';
import type { World } from './world.ts';

export class Books {
  /** What must not be, in words. */
  failure: string | undefined;
  /** The ledger can be asked at any time. */
  strict = false;
  /** An old owner of a shard may go on for a while beside the new one. */
  ownersMove = false;
  /** From a charge to its row at most. */
  lagMaxMs = Number.POSITIVE_INFINITY;
  readonly accounts: Account[] = [];
  readonly #byText = new Map<string, Account>();
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  open(id: IdWords): Account {
    const account = new Account(this.accounts.length, id);
    if (this.#byText.has(account.text)) throw new Error('an id twice');
    this.accounts.push(account);
    this.#byText.set(account.text, account);
    return account;
  }

  find(text: string): Account | undefined {
    return this.#byText.get(text);
  }

  of(text: string): Account {
    const account = this.find(text);
    if (account === undefined) throw new Error(`nobody posted ${text}`);
    return account;
  }

  fail(what: string): void {
    this.failure ??= `${what} (at ${this.#world.timeline.nowMs.toFixed(3)} ms)`;
  }

  /** What an instance answered to a payment that reached it. */
  told(account: Account, cents: number, byOwner: boolean, answer: Told): void {
    this.#world.note(byOwner ? 'told' : 'told by another', account.index, answer);
    // From then on the ledger's word counts, which is not what anybody was promised.
    if (account.isForeign) return;
    switch (answer) {
      case 'accepted':
      case 'repeated':
        account.lost = false;
        if (byOwner) this.#promise(account, cents);
        else account.taken = true;
        break;
      case 'conflict':
        if (account.posted.size < 2) this.#wrong(account, 'a conflict with nothing');
        // Whoever brought the other amount is told at the same moment, if not before.
        this.#world.timeline.in(0, () => {
          if (!account.mayBeKnown) this.#wrong(account, 'a conflict with what nobody has yet');
        });
        if (byOwner && account.promised === cents && !this.#mayForget(account)) {
          this.#wrong(account, 'a conflict with itself');
        }
        break;
      case 'given up':
        if (account.givenUp === undefined) this.#wrong(account, 'nobody gave it up');
        break;
      case 'full':
      case 'purging':
      case 'stopping':
      case 'disagreeing':
      case 'draining':
        // Not its owner: the owner may have taken it with its answer lost.
        if (!byOwner) account.maybe = true;
        break;
      case 'foreign':
        break;
      case 'broken':
      case 'late':
      case 'unsafe':
      case 'failed':
      case 'cut':
        account.maybe = true;
        break;
    }
  }

  /**
   * To a processor. What is recorded was charged, and whoever sends it could know that; not so
   * while an old owner goes on, but then it is the same request at the same processor.
   */
  sent(account: Account, processor: ProcessorIndex, charge: Charge): void {
    this.#world.note('sent', account.index, processor);
    const { row, givenUp } = account;
    const isSame = row?.processor === processor && row.requestedAtMs === charge.requestedAtMs;
    const mayRepeat = this.ownersMove && (isSame || account.isForeign);
    if (row !== undefined && !mayRepeat) this.#wrong(account, 'sent though it is recorded');
    const mayBeSent = this.ownersMove && givenUp?.mayBeCharged === true;
    if (givenUp !== undefined && !mayBeSent) this.#wrong(account, 'sent though it is given up');
  }

  /** An operator gave it up; the ledger has that, and no row of it. */
  givenUp(account: Account, mayBeCharged: boolean): void {
    this.#world.note('given up', account.index, Number(mayBeCharged));
    if (account.isCharged && !mayBeCharged) this.#wrong(account, 'given up though it is charged');
    account.givenUp = { mayBeCharged };
  }

  charged(processor: ProcessorIndex, charge: Charge): void {
    const account = this.of(charge.correlationId);
    this.#world.note('charged', account.index, processor);
    if (account.isCharged) this.#wrong(account, 'charged twice');
    if (account.givenUp?.mayBeCharged === false) this.#wrong(account, 'charged though given up');
    account.charges[processor] = charge;
    account.chargedAtMs = this.#world.timeline.nowMs;
    if (!account.posted.has(charge.amountCents))
      this.#wrong(account, 'charged an amount of nobody');
    if (account.promised !== undefined && account.promised !== charge.amountCents) {
      this.#wrong(account, `charged ${charge.amountCents}, promised ${account.promised}`);
    }
  }

  committed(row: LedgerRow): void {
    const account = this.of(row.correlationId);
    this.#world.note('recorded', account.index, row.processor);
    const charge = account.charges[row.processor];
    if (charge === undefined) return this.#wrong(account, 'recorded before it is charged there');
    if (charge.amountCents !== row.amountCents) this.#wrong(account, 'recorded with other cents');
    if (charge.requestedAtMs !== row.requestedAtMs) {
      this.#wrong(account, 'recorded with another time');
    }
    account.row ??= row;
    account.lost = false;
    const lagMs = this.#world.timeline.nowMs - account.chargedAtMs;
    if (lagMs > this.lagMaxMs) this.#wrong(account, `recorded ${lagMs} ms after its charge`);
  }

  /** Somebody deletes the row of a payment. */
  lose(account: Account): void {
    this.#world.note('row lost', account.index, 0);
    account.row = undefined;
    account.lost = true;
    account.wasLost = true;
  }

  /** A backup from before it was charged is restored; whoever holds it there settles it again. */
  goBack(account: Account): void {
    this.#world.note('gone back', account.index, 0);
    account.row = undefined;
    account.wasLost = true;
  }

  /**
   * Somebody else's row. `isAwaited`: a process waits for the statement that meets it. Otherwise
   * the payment may be over already, and nobody sees the row.
   */
  recordedByOthers(row: LedgerRow, isAwaited: boolean): void {
    const account = this.of(row.correlationId);
    this.#world.note('recorded by others', account.index, row.processor);
    account.isUnseen = !isAwaited;
    account.row = row;
    account.isForeign = true;
  }

  /** An anomaly that came into its table. */
  reported({ correlationId, kind, charged, recorded }: Anomaly): void {
    const account = this.of(correlationId);
    this.#world.note('anomaly', account.index, kind);
    if (account.isForeign) {
      const { processor, amountCents } = account.row as LedgerRow;
      const isTrue =
        recorded.processor === processorName(processor) && recorded.amountCents === amountCents;
      if (charged.amountCents !== undefined && isTrue) account.isReported = true;
      if (kind === 'settled with another amount' && isTrue) account.isReported = true;
    } else if (kind === 'charged and not recorded') {
      const mayBe = account.wasLost || account.row === undefined || this.#mayBeDamaged;
      if (!account.isCharged || !mayBe) this.#wrong(account, 'found charged, and all was well');
    } else if (!kind.endsWith('another amount') || account.posted.size < 2) {
      this.#wrong(account, `reported though nothing is wrong: ${kind}`);
    }
  }

  /** At the end. */
  balance(): void {
    for (const account of this.accounts) {
      const held = PROCESSORS.filter((processor) => account.charges[processor] !== undefined);
      const owed = account.promised !== undefined || account.taken;
      if (held.length > 1) this.#wrong(account, 'charged at both processors');
      if (account.givenUp !== undefined && account.row === undefined) continue;
      if (owed && held.length === 0) this.#wrong(account, 'accepted and never charged');
      if (account.lost) continue;
      if (held.length > 0 && account.row === undefined) this.#wrong(account, 'never recorded');
      const isOurs = account.row !== undefined && !account.isForeign;
      if (isOurs && account.row?.processor !== held[0]) {
        this.#wrong(account, 'recorded at another processor');
      }
      if (account.isForeign) {
        if (!account.isReported && !account.isUnseen) {
          this.#wrong(account, 'recorded otherwise and nobody said so');
        }
        continue;
      }
      const cents = account.promised ?? account.row?.amountCents;
      if (account.row?.amountCents !== cents) this.#wrong(account, 'recorded with other cents');
      if (!owed && !account.maybe && held.length > 0) this.#wrong(account, 'refused and charged');
    }
  }

  #promise(account: Account, cents: number): void {
    const isOther = account.promised !== undefined && account.promised !== cents;
    if (isOther && !this.#mayForget(account)) this.#wrong(account, 'two amounts accepted');
    // What lies at a processor since an earlier call is what counts.
    account.promised ??= account.row?.amountCents ?? cents;
  }

  get #mayBeDamaged(): boolean {
    return this.#world.weather.counts.has('cellDamaged');
  }

  /**
   * Only while the ledger doesn't answer in time may an owner hold a settled payment again; it
   * never sends it. And after a takeover: the release of a slot is committed with the next write.
   */
  #mayForget(account: Account): boolean {
    const canAsk = !this.#world.weather.barredLedger;
    const isKnown = account.row !== undefined || account.givenUp !== undefined;
    return isKnown && (this.ownersMove || (!canAsk && !this.strict));
  }

  #wrong(account: Account, what: string): void {
    this.fail(
      `payment #${account.index} ${account.text}: ${what}; posted ${[...account.posted].join(', ')}, ` +
        `promised ${account.promised}, at default ${JSON.stringify(account.charges[0])}, ` +
        `at fallback ${JSON.stringify(account.charges[1])}, recorded ${JSON.stringify(account.row)}`,
    );
  }
}
