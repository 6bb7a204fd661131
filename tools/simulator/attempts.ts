// Counts what a processor was asked, by outcome, since its start or its last purge.

export interface Attempts {
  /** POST /payments: each received one ends in exactly one of the six outcomes behind it. */
  readonly posts: {
    received: number;
    inserted: number;
    duplicate: number;
    /** Answered 500 by the lever `failure`. */
    failed: number;
    limited: number;
    malformed: number;
    /** Nothing was stored because of a fault. */
    faulted: number;
  };
  /** GET /payments/{id}. */
  readonly lookups: {
    received: number;
    found: number;
    absent: number;
    limited: number;
    malformed: number;
    faulted: number;
  };
  /** GET /payments/service-health. */
  readonly health: { received: number; answered: number; limited: number };
  /** Of the inserted and the duplicate ones, those whose answer or connection a fault spoiled. */
  faultedAfterInsert: number;
}

/** How busy it is at this moment. */
export interface Busy {
  readonly atOnce: number;
  readonly queued: number;
  readonly healthQueued: number;
}

export function noAttempts(): Attempts {
  return {
    posts: {
      received: 0,
      inserted: 0,
      duplicate: 0,
      failed: 0,
      limited: 0,
      malformed: 0,
      faulted: 0,
    },
    lookups: { received: 0, found: 0, absent: 0, limited: 0, malformed: 0, faulted: 0 },
    health: { received: 0, answered: 0, limited: 0 },
    faultedAfterInsert: 0,
  };
}
