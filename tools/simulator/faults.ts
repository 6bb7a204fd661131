// The faults of a processor, and the lever that says which calls have one, as drawn from a seed.

/**
 * Nothing is stored: refuse-after-read, drop-before-insert, hang, redirect, status. Stored (or
 * already held), but the answer is spoiled: drop-after-insert, hang-after-insert, cut-answer,
 * nonsense; status-after-insert, which the contest's processors never do. Stored and answered:
 * close-idle ends the connection right after the answer; close-on-reuse resets it when the next
 * request arrives on it, and does not read that request.
 */
export const FAULT_KINDS = [
  'none',
  'refuse-after-read',
  'drop-before-insert',
  'drop-after-insert',
  'hang',
  'hang-after-insert',
  'cut-answer',
  'nonsense',
  'redirect',
  'status',
  'status-after-insert',
  'close-idle',
  'close-on-reuse',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  readonly kind: FaultKind;
  /** The share of the calls that have it, 0 to 1. */
  readonly share: number;
  readonly seed: number;
  /** What the faults `status` and `status-after-insert` answer. */
  readonly status: number;
  /** Whether GET /payments/{id} has it too. */
  readonly lookups: boolean;
  /** Only calls for payments of this amount have it; 0: all. */
  readonly amountCents: number;
}

export const NO_FAULT: Fault = {
  kind: 'none',
  share: 1,
  seed: 1,
  status: 502,
  lookups: false,
  amountCents: 0,
};

export function storesNothing(kind: FaultKind): boolean {
  switch (kind) {
    case 'refuse-after-read':
    case 'drop-before-insert':
    case 'hang':
    case 'redirect':
    case 'status':
      return true;
    case 'none':
    case 'drop-after-insert':
    case 'hang-after-insert':
    case 'cut-answer':
    case 'nonsense':
    case 'status-after-insert':
    case 'close-idle':
    case 'close-on-reuse':
      return false;
  }
}

export class FaultLever {
  #fault: Fault = NO_FAULT;
  #state = 0;

  get fault(): Fault {
    return this.#fault;
  }

  /** Starts the seeded choice anew. */
  set(fault: Fault): void {
    this.#fault = fault;
    this.#state = fault.seed | 0;
  }

  /** The fault of the next call, for a payment of `amountCents` (undefined: not known). */
  forPayment(amountCents: number | undefined): Fault {
    const { kind, share, amountCents: only } = this.#fault;
    if (kind === 'none' || (only > 0 && only !== amountCents)) return NO_FAULT;
    return share === 1 || this.#random() < share ? this.#fault : NO_FAULT;
  }

  forLookup(amountCents: number | undefined): Fault {
    return this.#fault.lookups ? this.forPayment(amountCents) : NO_FAULT;
  }

  /** mulberry32. */
  #random(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}

/** The fault that a configuration's JSON asks for; undefined when it isn't one. */
export function faultFrom(wanted: Readonly<Record<string, unknown>>): Fault | undefined {
  const { share = 1, seed = 1, status = 502, lookups = false, amountCents = 0 } = wanted;
  const kind = FAULT_KINDS.find((known) => known === wanted['kind']);
  if (kind === undefined || typeof lookups !== 'boolean') return undefined;
  if (typeof share !== 'number' || !(share >= 0 && share <= 1)) return undefined;
  if (!isWhole(seed, 0, 0xffff_ffff) || !isWhole(status, 200, 599)) return undefined;
  if (!isWhole(amountCents, 0, Number.MAX_SAFE_INTEGER)) return undefined;
  return { kind, share, seed, status, lookups, amountCents };
}

/** Whether a JSON value is a whole number from `min` to `max`. */
export function isWhole(value: unknown, min: number, max: number): value is number {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}
