// Times in statements: milliseconds since the epoch outside, timestamptz(3) in the tables.

export const MS = (column: string): string => `(extract(epoch FROM ${column}) * 1000)::float8`;
/** When the period of `seconds` (a column) that has this time begins, in seconds of the epoch. */
export const PERIOD_START = (time: string): string =>
  `floor(extract(epoch FROM ${time})::float8 / seconds) * seconds`;
export const TIME = (parameter: string): string =>
  `to_timestamp(${parameter}::float8 / 1000)::timestamptz(3)`;
