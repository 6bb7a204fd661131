// The figures of the whole system: of each instance, of their last minutes together, and the books.

import type { Clock } from '../clock.ts';
import type { Peer } from '../gateways/peer.ts';
import type { Books, BooksFigures } from './books.ts';
import { HISTORY_S, type HistoryTable } from './history.ts';
import { mergeHistories } from './merge-histories.ts';
import type { InstanceFigures, InstanceSnapshot, OwnSnapshot } from './own-snapshot.ts';

export interface SystemSnapshotParts {
  readonly instance: number;
  readonly own: OwnSnapshot;
  /** All instances in order, this one included. */
  readonly peers: readonly Pick<Peer, 'snapshot'>[];
  readonly books: Books;
  readonly clock: Clock;
  readonly version: string;
}

interface Unreachable {
  readonly instance: number;
  readonly reason: string;
}

export interface SystemFigures {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** The instance that answers. */
  readonly answeredBy: number;
  /** In order. */
  readonly instances: readonly InstanceFigures[];
  readonly unreachable: readonly Unreachable[];
  /** Of all instances together. */
  readonly history: HistoryTable;
  /** Null while the ledger is away. */
  readonly books: BooksFigures | null;
}

/** For the answers of peers and ledger: what comes later is left out. */
const WITHIN_MS = 1_000;

export class SystemSnapshot {
  readonly #parts: SystemSnapshotParts;
  #whole: Promise<string> | undefined;

  constructor(parts: SystemSnapshotParts) {
    this.#parts = parts;
  }

  /** As JSON, with the whole history; all who ask at the same time get the same one. */
  whole(): Promise<string> {
    this.#whole ??= this.take(HISTORY_S).finally(() => {
      this.#whole = undefined;
    });
    return this.#whole;
  }

  /** As JSON, with the history of the last `seconds`. Resolves within about a second. */
  async take(seconds: number): Promise<string> {
    const { clock, instance, own, peers, books } = this.#parts;
    const asked = peers.map((peer, number) =>
      number === instance ? Promise.resolve(own.take(seconds)) : this.#ask(peer, number, seconds),
    );
    const [found, accounts] = await Promise.all([Promise.all(asked), books.read(WITHIN_MS)]);
    const snapshots = found.filter((one) => 'history' in one);
    const figures: SystemFigures = {
      atMs: clock.now(),
      answeredBy: instance,
      instances: snapshots.map((snapshot) => snapshot.figures),
      unreachable: found.filter((one) => 'reason' in one),
      history: mergeHistories(snapshots.map(({ history }) => history)),
      books: accounts,
    };
    return JSON.stringify(figures);
  }

  async #ask(
    peer: Pick<Peer, 'snapshot'>,
    number: number,
    seconds: number,
  ): Promise<InstanceSnapshot | Unreachable> {
    const text = await peer.snapshot(seconds, WITHIN_MS);
    if (text === undefined) return { instance: number, reason: 'does not answer' };
    try {
      const snapshot = JSON.parse(text) as InstanceSnapshot;
      const { version } = snapshot.figures;
      if (version === this.#parts.version) return snapshot;
      return { instance: number, reason: `has version ${version}` };
    } catch {
      return { instance: number, reason: 'answers something else' };
    }
  }
}
