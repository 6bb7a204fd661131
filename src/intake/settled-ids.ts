// What is known of settled ids: the Bloom filter, from its file if that can be trusted, otherwise
// from the ledger, in pages and in the background. Until it is complete, the ledger is asked about
// every new id.
//
// A filter from its file is complete once the ledger agrees to this instance's place, and all
// repairs were read. The ledger is read all the same, slowly: somebody may have added rows.

import type { BloomFilter } from '../buffer/bloom-filter.ts';
import type { FilterFile } from '../buffer/filter-file.ts';
import { FilterKeeper } from '../buffer/filter-keeper.ts';
import type { Journal } from '../buffer/journal.ts';
import type { Ring } from '../buffer/ring.ts';
import { sleep, wholeTurn, type Clock } from '../clock.ts';
import type { Log } from '../log/log.ts';
import { FIRST_ID, ownerOf, type IdWords } from '../payment.ts';
import type { LedgerPort } from '../ports.ts';
import { RepairedIds } from './repaired-ids.ts';

export interface SettledIdsParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly ledger: Pick<LedgerPort, 'idsAfter' | 'repairsAfter'>;
  readonly instance: number;
  readonly instances: number;
  readonly ring: Ring;
  readonly journal: Journal;
  readonly filter: BloomFilter;
  /** undefined where the filter is in memory alone. */
  readonly filterFile?: FilterFile | undefined;
  readonly onFatal: (error: unknown) => void;
}

/** Ids that the ledger looks at for a page. */
const PAGE = 5_000;
/** The same where nothing waits for the end: the ledger is busy for a millisecond or two. */
const CHECK_PAGE = 500;
/** Added in one turn of the event loop: intake waits no longer than some hundred microseconds. */
const TURN_IDS = 500;
const RETRY_MS = 500;
/**
 * Between pages, so that payments come first: as long as the page took, and at least 5 ms. Where
 * nothing waits for the end, ten times as long.
 */
const PAUSE_MIN_MS = 5;
const CHECK_SLOWER = 10;
const WORDS = 4;

export class SettledIds {
  readonly #parts: SettledIdsParts;
  readonly #keeper: FilterKeeper | undefined;
  readonly #repaired: RepairedIds;
  /** Counts the loads: a later one, a purge or a stop ends an earlier one. */
  #load = 0;

  constructor(parts: SettledIdsParts) {
    this.#parts = parts;
    const { filterFile: file, instance, instances } = parts;
    const place = { instance, instances };
    this.#keeper = file && new FilterKeeper({ ...parts, file, place });
    this.#repaired = new RepairedIds({ ...parts, add: (id) => this.add(id) });
  }

  /** A process that is started again after a kill will know them. */
  get areKept(): boolean {
    return this.#keeper?.isTrusted === true;
  }

  /** Before the journal is recovered: takes what an earlier life has left, if it can be trusted. */
  recover(): void {
    const { journal, log } = this.#parts;
    const why = this.#keeper?.load(journal.readHeader());
    if (why !== undefined) log.info('settled ids are read from the ledger', { why });
  }

  /** Adds an id if this instance owns it; false if it is another's, or may be known. */
  add(id: IdWords, at = 0): boolean {
    const { filter, instance, instances } = this.#parts;
    return ownerOf(id, instances, at) === instance && filter.add(id, at);
  }

  load(): void {
    if (this.#load === 0) void this.#repaired.start();
    void this.#run(++this.#load);
  }

  /** The ledger was emptied: forgets all ids and loads again what the ledger has. */
  reload(): void {
    const { filter } = this.#parts;
    filter.complete = false;
    // First: after a kill in between the old ids are no harm, and new ones would be missing.
    this.#keeper?.distrust();
    filter.clear();
    this.load();
  }

  /** Another process may have run this instance: what it settled is missing here. */
  missedSome(): void {
    this.#keeper?.distrust();
    this.#parts.filter.complete = false;
    if (this.#load > 0) this.load();
  }

  stop(): void {
    this.#load++;
    this.#repaired.stop();
  }

  async #run(load: number): Promise<void> {
    const { clock, log, filter } = this.#parts;
    const isOver = (): boolean => this.#load !== load;
    const beganMs = clock.elapsed();
    const complete = (from: 'file' | 'ledger'): void => {
      filter.complete = true;
      const tookMs = Math.round(clock.elapsed() - beganMs);
      log.info('settled ids known', { from, ids: filter.ids, bytes: filter.bytes, tookMs });
    };
    await this.#repaired.caughtUp;
    if (isOver()) return;
    if (this.areKept) complete('file');
    const missing = await this.#read(isOver);
    if (isOver()) return;
    if (!filter.complete) complete('ledger');
    else if (missing > 0) log.warn('settled ids were missing', { ids: missing });
    if (!this.areKept) await this.#keeper?.write(isOver);
  }

  /** Adds what the ledger has; resolves with how many ids were not known. */
  async #read(isOver: () => boolean): Promise<number> {
    const { clock, ledger, filter, instance, instances } = this.#parts;
    let after: string | undefined = FIRST_ID;
    let missing = 0;
    // A page begins after an id, so no page contains this one: the ledger is always asked about it.
    this.add(new Uint32Array(WORDS));
    while (after !== undefined && !isOver()) {
      try {
        const beganMs = clock.elapsed();
        const most = filter.complete ? CHECK_PAGE : PAGE;
        const page = await ledger.idsAfter({ after, most, instance, instances });
        if (isOver()) break;
        missing += await this.#addPage(page.ids, isOver);
        after = page.last;
        const pauseMs = Math.max(PAUSE_MIN_MS, clock.elapsed() - beganMs);
        if (after !== undefined)
          await sleep(clock, filter.complete ? CHECK_SLOWER * pauseMs : pauseMs);
      } catch {
        await sleep(clock, RETRY_MS);
      }
    }
    return missing;
  }

  async #addPage(ids: IdWords, isOver: () => boolean): Promise<number> {
    const { clock, ring } = this.#parts;
    let missing = 0;
    for (let at = 0; at < ids.length; at += WORDS) {
      // What is settled right now is in the ring until it is in the filter.
      if (this.add(ids, at) && ring.find(ids.subarray(at, at + WORDS)) < 0) missing++;
      if (at % (TURN_IDS * WORDS) !== 0 || at === 0) continue;
      await wholeTurn(clock);
      if (isOver()) break;
    }
    return missing;
  }
}
