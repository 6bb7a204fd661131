// What admission answers to a payment, and why it refuses one.

/**
 * Why payments are refused, beside purges.
 * - disagreeing: the ledger or another instance contradicts this instance's place.
 * - draining: the number of instances is about to change. Payments that others hold for this
 *   instance are taken.
 */
export type Bar = 'disagreeing' | 'draining';

export type Refusal = 'purging' | 'stopping' | Bar;

/**
 * - accepted, repeated: safely held, or known with this amount.
 * - conflict: known with another amount.
 * - given up: accepted before, and given up by an operator since.
 * - foreign: another instance owns it, and an instance has handed it over already.
 * - full: no slot is free. - broken: the journal can't be written.
 * - late: the journal is behind. The payment may be held all the same: a repeat tells.
 * - unsafe: what the journal commits is on one disk, and must be on two.
 */
export type Admitted =
  | 'accepted'
  | 'repeated'
  | 'conflict'
  | 'given up'
  | 'foreign'
  | 'full'
  | 'broken'
  | 'late'
  | 'unsafe'
  | Refusal;
