// What the kill of a part did to the clients, in words, and whether that is more than is allowed.

/** Killed as by a crash, the part is restarted by its policy; killed by the engine, by us. */
export type How = 'its process' | 'docker kill, then docker start';

export interface Killing {
  readonly part: string;
  readonly how: How;
  /** From the kill until its container ran again. */
  readonly awayMs: number;
  /** From the kill until the instance answered; undefined for a part that is no instance. */
  readonly instanceMs: number | undefined;
  /** From the kill until a summary was answered. */
  readonly summaryMs: number;
  /** The longest time in which no payment at all was accepted. */
  readonly silenceMs: number;
}

const SILENCE_MS_MAX = 2_000;
/** Without these parts no payment is accepted: intake may wait until they run again. */
const AWAITED = ['nginx', 'postgres'];

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

export function lineOf({ part, how, awayMs, instanceMs, summaryMs, silenceMs }: Killing): string {
  const itself = instanceMs === undefined ? '' : `it answers after ${seconds(instanceMs)}, `;
  return (
    `${part} (${how}): runs again after ${seconds(awayMs)}, ${itself}` +
    `summaries after ${seconds(summaryMs)}; ${seconds(silenceMs)} without an accepted payment`
  );
}

export function faultsOf({ part, awayMs, silenceMs }: Killing): string[] {
  const allowedMs = SILENCE_MS_MAX + (AWAITED.includes(part) ? awayMs : 0);
  if (silenceMs <= allowedMs) return [];
  return [
    `${part} killed: ${seconds(silenceMs)} without an accepted payment, ` +
      `at most ${seconds(allowedMs)}`,
  ];
}
