// Numbers, times and amounts as text.

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

export const count = (value) => whole.format(value);

export const perSecond = (value) => `${tenth.format(value)}/s`;

export const percent = (value) => `${tenth.format(value)} %`;

/** A duration: "1.5 ms", "320 ms", "4.2 s", "3 min", "2 h", "5 d". */
export function duration(ms) {
  if (ms === null || ms === undefined) return '–';
  if (ms < 10) return `${tenth.format(ms)} ms`;
  if (ms < 1_000) return `${whole.format(ms)} ms`;
  if (ms < 60_000) return `${tenth.format(ms / 1_000)} s`;
  if (ms < 3_600_000) return `${whole.format(Math.floor(ms / 60_000))} min`;
  if (ms < 172_800_000) return `${whole.format(Math.floor(ms / 3_600_000))} h`;
  return `${whole.format(Math.floor(ms / 86_400_000))} d`;
}

/** Cents are digits as text, or a whole number: a sum may exceed what a number holds exactly. */
export function amount(cents) {
  const digits = BigInt(cents);
  return `${whole.format(digits / 100n)}.${String(digits % 100n).padStart(2, '0')}`;
}

/** The time of day of an ISO time, with the day if it is not today. */
export function time(text) {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return '–';
  const clock = at.toLocaleTimeString('en-GB');
  const day = at.toLocaleDateString('en-CA');
  return day === new Date().toLocaleDateString('en-CA') ? clock : `${day} ${clock}`;
}
