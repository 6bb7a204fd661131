// What the kill of a part did to its clients, in words, and whether that is more than it may.

/** A crash, which the restart policy answers; or the engine's order, after which we start the part, since the policy lets it lie. */
export type How = 'its process' | 'docker kill, then docker start';

export interface Killing {
  readonly part: string;
  readonly how: How;
  /** From the kill on, as all of these: until its container ran again, */
  readonly awayMs: number;
  /** until the killed instance itself answered (undefined for what is none), */
  readonly instanceMs: number | undefined;
  /** and until a summary was answered. */
  readonly summaryMs: number;
  /** The longest time in which no payment at all was accepted. */
  readonly silenceMs: number;
}

const SILENCE_MS_MAX = 2_000;
/** What intake may wait for, the time until its container runs again. The rest is there twice, or no part of intake. */
const AWAITED = ['nginx', 'postgres'];

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

export function lineOf({ part, how, awayMs, instanceMs, summaryMs, silenceMs }: Killing): string {
  const itself = instanceMs === undefined ? '' : `it answers after ${seconds(instanceMs)}, `;
  return (
    `${part} (${how}): runs again after ${seconds(awayMs)}, ${itself}summaries after ${seconds(summaryMs)}; ` +
    `${seconds(silenceMs)} without an accepted payment`
  );
}

export function faultsOf({ part, awayMs, silenceMs }: Killing): string[] {
  const allowedMs = SILENCE_MS_MAX + (AWAITED.includes(part) ? awayMs : 0);
  if (silenceMs <= allowedMs) return [];
  return [
    `${part} killed: ${seconds(silenceMs)} without an accepted payment, at most ${seconds(allowedMs)}`,
  ];
}
