// How long the free slots of the ring last:
//
//   lastsS    until the ring is full if nothing leaves it: how long PostgreSQL may be away
//   fullInS   until the ring is full if it goes on filling as it does now
//
// Rates are those of the last half minute. For fullInS the last five seconds count too, and the
// lower of the two rates is taken: a backlog that stays and doesn't grow fills no ring.
//
// A ring of few slots fills in seconds, a ring of many in minutes. So a warning by time comes early
// enough for both; a warning at a share of the slots does not.

/** The longest time that is told: "not within a day". */
export const DAY_S = 86_400;
const LOOKS = 30;
const LATEST_LOOKS = 5;
/** Nearer than this the ring is filling up, if it isn't almost empty; beyond LATER_S it is not. */
const SOON_S = 300;
const LATER_S = 600;
/** Shares of the slots: a short backlog in an almost empty ring is not worth a warning. */
const USED_MIN = 0.1;
const USED_END = 0.05;
/** Looks in a row until it is told: a short backlog shows in fewer. */
const TOLD_LOOKS = 7;

interface Look {
  readonly atMs: number;
  readonly used: number;
  readonly accepted: number;
}

interface Observed {
  readonly slots: number;
  readonly used: number;
  /** Payments accepted since the start. */
  readonly accepted: number;
}

export class RingForecast {
  /** Seconds, DAY_S at most. */
  fullInS = DAY_S;
  lastsS = DAY_S;
  isFillingUp = false;
  readonly #looks: Look[] = [];
  #soon = 0;

  /** Call it about once a second. `atMs` is monotonic. */
  update({ slots, used, accepted }: Observed, atMs: number): void {
    const looks = this.#looks;
    looks.push({ atMs, used, accepted });
    if (looks.length > LOOKS + 1) looks.shift();
    const first = looks[0] as Look;
    const later = looks[Math.max(0, looks.length - 1 - LATEST_LOOKS)] as Look;
    const free = slots - used;
    const fills = [first, later].map((look) => perSecond(used - look.used, atMs - look.atMs));
    this.fullInS = timeFor(free, Math.min(...fills));
    this.lastsS = timeFor(free, perSecond(accepted - first.accepted, atMs - first.atMs));
    if (this.isFillingUp) {
      this.isFillingUp = used >= slots * USED_END && this.fullInS <= LATER_S;
      return;
    }
    this.#soon = used >= slots * USED_MIN && this.fullInS < SOON_S ? this.#soon + 1 : 0;
    this.isFillingUp = this.#soon >= TOLD_LOOKS;
  }
}

/** 0 in the first look, when no time has passed. */
const perSecond = (count: number, ms: number): number => (ms > 0 ? (1_000 * count) / ms : 0);

function timeFor(free: number, rate: number): number {
  if (free === 0) return 0;
  // A purge sets what was accepted back to 0: then the rate is below that.
  return rate > 0 ? Math.min(DAY_S, free / rate) : DAY_S;
}
