// Reads ISO 8601 times. A time may have any offset; without an offset it is UTC.

const TIME_OF_DAY = String.raw`(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?`;
const OFFSET = String.raw`(?:([Zz])|([+-])(\d\d):?(\d\d)?)`;
const TIME = new RegExp(String.raw`^(\d{4})-(\d\d)-(\d\d)(?:[Tt ]${TIME_OF_DAY}${OFFSET}?)?$`);

/**
 * Returns milliseconds since the epoch, or undefined if `text` is not a valid time (such as 30
 * February). `round` applies to fractions of a millisecond.
 */
export function isoTime(text: string, round: 'up' | 'down'): number | undefined {
  const match = TIME.exec(text);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const fraction = (match[7] ?? '').padEnd(9, '0');
  const date = new Date(0);
  date.setUTCFullYear(year as number, (month as number) - 1, day);
  if (date.getUTCMonth() !== (month as number) - 1 || date.getUTCDate() !== day) return undefined;
  const offset = Number(match[10] ?? 0) * 60 + Number(match[11] ?? 0);
  if ((hour as number) > 23 || (minute as number) > 59 || (second as number) > 59) return undefined;
  if (offset >= 24 * 60 || Number(match[11] ?? 0) > 59) return undefined;
  date.setUTCHours(hour as number, minute, second, Number(fraction.slice(0, 3)));
  const finer = round === 'up' && Number(fraction.slice(3)) > 0 ? 1 : 0;
  return date.getTime() + finer - (match[9] === '-' ? -offset : offset) * 60_000;
}
