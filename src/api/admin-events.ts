// Server-sent events: a snapshot of the system every second, to all viewers the same one. The first
// one of a viewer has the whole history, the later ones its last seconds. While nobody looks,
// nothing is asked.
//
// A viewer that has stopped reading takes a place from others. The kernel buffers its events for
// minutes, so this process doesn't notice. Therefore each stream ends after a minute, and a viewer
// that is still there opens the next one.

import type { ServerResponse } from 'node:http';
import { sleep, type Clock } from '../clock.ts';
import type { SystemSnapshot } from '../snapshot/system-snapshot.ts';
import * as replies from './replies.ts';
import type { Reply } from './replies.ts';

const VIEWERS_MAX = 20;
const EVERY_MS = 1_000;
/** In the history of an event: some more than one, since an instance may answer late. */
const HISTORY_S = 5;
/** Events of a stream. */
const EVENTS_MAX = 60;
/** Events that a viewer may miss in a row because it doesn't read. */
const MISSED_MAX = 5;

const HEADERS = ['Content-Type', 'text/event-stream', 'Cache-Control', 'no-store'];
const FULL = replies.unavailable(`${VIEWERS_MAX} viewers look already`);

interface Viewer {
  readonly response: ServerResponse;
  /** Its events so far, with those that were left out; 0 while the first one is being made. */
  events: number;
  /** Events that were left out, since the one before wasn't read. */
  missed: number;
}

export class AdminEvents {
  readonly #system: SystemSnapshot;
  readonly #clock: Clock;
  /** Those whose first event is being made, too. */
  readonly #viewers = new Set<Viewer>();
  #running = false;

  constructor(system: SystemSnapshot, clock: Clock) {
    this.#system = system;
    this.#clock = clock;
  }

  /**
   * Answers with a stream of events, or returns the refusal. If there is no place, the viewer that
   * hasn't read for the longest time loses its own.
   */
  open(response: ServerResponse): Reply | undefined {
    if (this.#viewers.size >= VIEWERS_MAX) {
      const stuck = this.#longestStuck();
      if (stuck === undefined) return FULL;
      this.#drop(stuck);
    }
    response.writeHead(200, HEADERS);
    if (response.req.method === 'HEAD') {
      response.end();
      return undefined;
    }
    const viewer = { response, events: 0, missed: 0 };
    this.#viewers.add(viewer);
    response.once('close', () => this.#viewers.delete(viewer));
    void this.#begin(viewer);
    return undefined;
  }

  /** Never rejects: no part of a snapshot does. */
  async #begin(viewer: Viewer): Promise<void> {
    const whole = await this.#system.whole();
    if (!this.#viewers.has(viewer)) return;
    viewer.response.write(eventOf(whole));
    viewer.events = 1;
    if (this.#running) return;
    this.#running = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    for (;;) {
      await sleep(this.#clock, EVERY_MS);
      if (this.#viewers.size === 0) break;
      const event = eventOf(await this.#system.take(HISTORY_S));
      for (const viewer of this.#viewers) if (viewer.events > 0) this.#send(viewer, event);
    }
    this.#running = false;
  }

  #send(viewer: Viewer, event: string): void {
    const { response } = viewer;
    // One event waits for it, and no more.
    const isRead = response.writableLength === 0;
    viewer.events++;
    viewer.missed = isRead ? 0 : viewer.missed + 1;
    if (viewer.missed > MISSED_MAX || (!isRead && viewer.events >= EVENTS_MAX)) {
      this.#drop(viewer);
    } else if (viewer.events >= EVENTS_MAX) {
      this.#viewers.delete(viewer);
      response.end(event);
    } else if (isRead) response.write(event);
  }

  #longestStuck(): Viewer | undefined {
    const stuck = [...this.#viewers].filter(({ missed }) => missed > 0);
    return stuck.toSorted((one, other) => other.missed - one.missed)[0];
  }

  #drop(viewer: Viewer): void {
    this.#viewers.delete(viewer);
    viewer.response.destroy();
  }
}

/** JSON has no line break. */
function eventOf(json: string): string {
  return `data: ${json}\n\n`;
}
