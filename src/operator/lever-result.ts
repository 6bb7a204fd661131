// What comes of an operator's order.

/**
 * - done: the result in words.
 * - planned: it will be done, when and with which result isn't known yet.
 * - not held: this instance doesn't hold the payment.
 * - impossible: the payment's state forbids it.
 * - unavailable: not now, whatever the payment.
 */
export interface LeverResult {
  readonly kind: 'done' | 'planned' | 'not held' | 'impossible' | 'unavailable';
  readonly text: string;
  /** The field of the order that stands against it. */
  readonly field?: string;
}

export const NOT_HELD: LeverResult = {
  kind: 'not held',
  text: 'no instance holds this payment',
};
export const done = (text: string): LeverResult => ({ kind: 'done', text });
export const planned = (text: string): LeverResult => ({ kind: 'planned', text });
export const unavailable = (text: string): LeverResult => ({ kind: 'unavailable', text });
export const impossible = (text: string): LeverResult => ({ kind: 'impossible', text });
