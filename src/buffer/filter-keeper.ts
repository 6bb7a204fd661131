// Keeps the Bloom filter in a file beside the journal, so that a process that follows a killed one
// knows all settled ids at once.
//
//   untrusted ──all ids are read, all blocks written──▶ trusted
//       ▲─────── a write fails, a purge, a gap ──────────────┘
//
// Each block that an id changes is written before the id's slot is released in the journal: so an
// id that the ledger has is in the journal or in this file. Blocks are written into the page cache,
// which survives kill -9 and no power failure: a file of another boot isn't trusted.
//
// The journal's header alone makes a file count. It has the file's id, and with each mark the
// number of bits that are set in it at least: an older copy has fewer.

import { sleep, type Clock } from '../clock.ts';
import type { Log } from '../log/log.ts';
import type { BloomFilter } from './bloom-filter.ts';
import { FilterWriter, readFilterHeader, readSegments, type FilterFile } from './filter-file.ts';
import type { FilterHeader } from './filter-header.ts';
import { FilterSegment } from './filter-segment.ts';
import { NO_FILTER, type Header, type Place } from './journal-header.ts';
import type { Journal } from './journal.ts';

export interface FilterKeeperParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly onFatal: (error: unknown) => void;
  readonly file: FilterFile;
  readonly filter: BloomFilter;
  readonly journal: Pick<Journal, 'header' | 'writeHeader' | 'ofFilter'>;
  readonly place: Place;
}

/** Between two steps, so that payments come first. */
const PAUSE_MS = 2;

export class FilterKeeper {
  /** Every id that the journal let go is in the file. */
  isTrusted = false;
  readonly #parts: FilterKeeperParts;
  /** undefined while what changes is not written. */
  #writer: FilterWriter | undefined;
  #hasFailed = false;

  constructor(parts: FilterKeeperParts) {
    this.#parts = parts;
    const { journal, filter } = parts;
    journal.ofFilter = () => {
      if (!this.isTrusted || this.#writer === undefined) return NO_FILTER;
      return { filterId: this.#writer.id, filterBits: filter.bitsSet };
    };
    filter.onChange = (segment, block) => this.#changed(segment, block);
    filter.onFull = () => void this.#grow();
  }

  /**
   * Before the journal is recovered: takes the file into the filter if it can be trusted by what
   * the journal's `header` and the file say. Otherwise returns why not.
   */
  load(header: Header): string | undefined {
    const { file, filter } = this.#parts;
    try {
      const found = readFilterHeader(file);
      if (found === undefined) return 'there is no file, or its header is damaged';
      const reason = this.#reasonAgainst(found, header);
      if (reason !== undefined) return reason;
      const segments = readSegments(file, found);
      if (segments === undefined) return 'a block of the file is damaged';
      const bits = segments.reduce((sum, { bitsSet }) => sum + bitsSet, 0);
      if (bits < header.filterBits) return 'the file is an older copy';
      filter.restore(found.seed, segments);
      this.#writer = new FilterWriter(file, filter, found.id);
      this.isTrusted = true;
      return undefined;
    } catch (error) {
      this.#hasFailed = true;
      return `the file can not be read: ${String(error)}`;
    }
  }

  /** The filter is complete: writes it, in small steps, and trusts the file from then on. */
  async write(isOver: () => boolean): Promise<void> {
    const { clock, filter, file } = this.#parts;
    if (this.#hasFailed || file.bootId === '') return;
    // From now on what changes is written, too.
    const writer = new FilterWriter(file, filter, clock.random());
    this.#writer = writer;
    for (let n = 0; n < filter.segments.length; n++) {
      const segment = filter.segments[n] as FilterSegment;
      if (!(await this.#writeSegment(n, segment)) || isOver()) return;
    }
    this.#try(() => this.#writeHeader());
    if (this.#writer !== writer) return;
    this.isTrusted = true;
    this.#tellJournal();
  }

  /** The file lacks ids, or has too many: from now on, and after a kill, it doesn't count. */
  distrust(): void {
    const wasTrusted = this.isTrusted;
    this.isTrusted = false;
    this.#writer = undefined;
    if (wasTrusted) this.#tellJournal();
  }

  #changed(segment: number, block: number): void {
    if (this.#writer === undefined) return;
    try {
      this.#writer.writeBlock(segment, block);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Another segment: first its blocks, then the header that names it, then ids in it. */
  async #grow(): Promise<void> {
    const { filter } = this.#parts;
    const writer = this.#writer;
    const newest = filter.segments.at(-1);
    const segment = new FilterSegment(filter.nextBlocks);
    if (writer !== undefined) await this.#writeSegment(filter.segments.length, segment);
    // A purge has made it small again.
    if (filter.segments.at(-1) !== newest) return undefined;
    // The file can't be written any more, or is written anew: the segment is not in it.
    if (this.#writer !== writer) return this.#grow();
    filter.grow(segment);
    if (this.isTrusted) this.#try(() => this.#writeHeader());
    return undefined;
  }

  /** False if the file doesn't count any more. */
  async #writeSegment(n: number, segment: FilterSegment): Promise<boolean> {
    const writer = this.#writer as FilterWriter;
    try {
      for (const _ of writer.writeSegment(n, segment)) {
        await sleep(this.#parts.clock, PAUSE_MS);
        if (this.#writer !== writer) return false;
      }
    } catch (error) {
      this.#failed(error);
      return false;
    }
    return true;
  }

  #try(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** That ends the file for this life; the filter goes on in memory. */
  #failed(error: unknown): void {
    const { log, file } = this.#parts;
    this.#hasFailed = true;
    this.distrust();
    log.warn('settled ids can not be kept', { message: String(error) });
    try {
      file.empty();
    } catch {
      // It doesn't count any more, whatever is in it.
    }
  }

  /** After a kill the next start reads it there. */
  #tellJournal(): void {
    const { journal, onFatal } = this.#parts;
    try {
      journal.writeHeader(journal.header);
    } catch (error) {
      onFatal(error);
    }
  }

  #writeHeader(): void {
    const { journal, place } = this.#parts;
    this.#writer?.writeHeader({ ...place, ledgerId: journal.header.ledgerId });
  }

  #reasonAgainst(found: FilterHeader, header: Header): string | undefined {
    const { file, place } = this.#parts;
    if (header.filterId === 0) return 'the file was not complete, or could not be written';
    if (found.id !== header.filterId) return "the file is another journal's, or an older copy";
    const isSameBoot = file.bootId !== '' && found.bootId === file.bootId;
    if (!isSameBoot) return 'the machine was started since';
    if (found.ledgerId !== header.ledgerId) return "the file is another ledger's";
    const isPlaceSame = found.instance === place.instance && found.instances === place.instances;
    return isPlaceSame ? undefined : 'the file is of another instance or number of instances';
  }
}
