// The states of a payment in the ring beside its values: pin, charge and doubt.

import type { ProcessorIndex } from '../payment.ts';

/** No attempt of this payment can be at a processor. */
export const UNPINNED = -1;
export type Pin = ProcessorIndex | typeof UNPINNED;

/** What is known of a payment's charge, until the ledger has it. */
export const NOT_CHARGED = 0;
export const CHARGED = 1;
/** Charged since at least one round of the charge keeper, and not in the journal yet. */
export const LONG_CHARGED = 2;
/** Charged, and the journal says so. */
export const CHARGE_JOURNALLED = 3;
/** An operator gave it up, and the journal says so. No processor can have charged it. */
export const GIVEN_UP = 4;
/** The same, but a processor may have charged it. */
export const GIVEN_UP_OPEN = 5;

/**
 * Whether a processor may hold a payment that is not pinned. IN_DOUBT: the Bloom filter of settled
 * ids may have the id, or the instance that handed the payment over doubts it. PIN_IN_DOUBT: a
 * journal from before the restart may have had a pin.
 */
export const NO_DOUBT = 0;
export const IN_DOUBT = 1;
export const PIN_IN_DOUBT = 2;
