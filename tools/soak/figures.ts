// The series of a soak: what is plotted, and which of them may not grow without levelling off.

import { growthOf, type Growth, type Point, type Tolerance } from './growth.ts';
import type { PartSample, Sample, TableSample } from './sampler.ts';

interface Series {
  readonly name: string;
  readonly points: readonly Point[];
}

/** A graph. */
export interface Figure {
  readonly title: string;
  readonly unit: string;
  readonly about: string;
  readonly series: readonly Series[];
  /** Undefined: it grows with the payments, or is only shown. */
  readonly tolerance?: Tolerance;
}

export interface Judged {
  readonly what: string;
  readonly unit: string;
  readonly growth: Growth;
}

const MIB = 2 ** 20;
/** A table with fewer rows counts as one with so many: its few pages are no growth by the row. */
const ROWS_MIN = 10_000;

export function figuresOf(samples: readonly Sample[]): Figure[] {
  return [...figuresOfParts(samples), ...figuresOfTables(samples), ...figuresOfDisk(samples)];
}

/** Of each series that may not grow. */
export function judge(figures: readonly Figure[]): Judged[] {
  return figures.flatMap(({ title, unit, series, tolerance }) =>
    tolerance === undefined
      ? []
      : series.map(({ name, points }) => ({
          what: `${title}: ${name}`,
          unit,
          growth: growthOf(points, tolerance),
        })),
  );
}

/** One series for each name that `named` has in some sample. */
function seriesOf<T extends object>(
  samples: readonly Sample[],
  named: (sample: Sample) => Readonly<Record<string, T>>,
  value: (one: T) => number | null,
): Series[] {
  return namesIn(samples, named).map((name) => ({
    name,
    points: pointsOf(samples, (sample) => {
      const one = named(sample)[name];
      return one === undefined ? null : value(one);
    }),
  }));
}

function figuresOfParts(samples: readonly Sample[]): Figure[] {
  const of = (value: (part: PartSample) => number | null): Series[] =>
    seriesOf(samples, ({ parts }) => parts, value);
  return [
    {
      title: 'Memory',
      unit: 'MiB',
      about: 'Resident memory of each part, without what processes share.',
      series: of(({ memoryBytes }) => memoryBytes / MIB),
      tolerance: { share: 0.05, floor: 8 },
    },
    {
      title: 'Open files and sockets',
      unit: 'count',
      about: 'File descriptors of each part.',
      series: of(({ descriptors }) => descriptors),
      tolerance: { share: 0.1, floor: 10 },
    },
    {
      title: 'CPU',
      unit: '% of one core',
      about: 'Between two samples. At a steady rate more CPU means more work for each payment.',
      series: of(({ cpuMs }) => cpuMs).map(ratesOf),
      tolerance: { share: 0.15, floor: 5 },
    },
    {
      title: 'Delay of the event loop, p99',
      unit: 'ms',
      about: 'Of the last minute or two.',
      series: of(({ loopDelayMs }) => loopDelayMs).filter(({ points }) => points.length > 0),
      tolerance: { share: 0.5, floor: 20 },
    },
    {
      title: 'Held payments',
      unit: 'payments',
      about: 'In the rings of all instances: if they grow, the rate is too high.',
      series: [{ name: 'all', points: pointsOf(samples, ({ held }) => held) }],
      tolerance: { share: 0.5, floor: 2_000 },
    },
  ];
}

function figuresOfTables(samples: readonly Sample[]): Figure[] {
  const of = (value: (table: TableSample) => number): Series[] =>
    seriesOf(samples, ({ tables }) => tables, value);
  const perRow = (bytes: number, { rows }: TableSample): number => bytes / Math.max(rows, ROWS_MIN);
  const bloat = { share: 0.25, floor: 25 };
  return [
    {
      title: 'Tables',
      unit: 'MiB',
      about: 'They grow with the payments; what they take for each row is below.',
      series: of(({ bytes }) => bytes / MIB),
    },
    {
      title: 'Indexes',
      unit: 'MiB',
      about: 'They grow with the payments, too.',
      series: of(({ indexBytes }) => indexBytes / MIB),
    },
    {
      title: 'Table by the row',
      unit: 'bytes',
      about: `A table with fewer than ${ROWS_MIN} rows counts as one with so many.`,
      series: of((table) => perRow(table.bytes, table)),
      tolerance: bloat,
    },
    {
      title: 'Indexes by the row',
      unit: 'bytes',
      about: 'An index of random ids is between half full and full, all of its pages alike.',
      series: of((table) => perRow(table.indexBytes, table)),
      tolerance: bloat,
    },
    {
      title: 'Dead rows',
      unit: 'rows',
      about: 'What updates left behind, until a page or the table is cleaned.',
      series: of(({ deadRows }) => deadRows),
      tolerance: { share: 0.5, floor: 10_000 },
    },
    {
      title: 'VACUUM',
      unit: 'times',
      about: 'How often each table was vacuumed.',
      series: of(({ vacuums }) => vacuums),
    },
  ];
}

function figuresOfDisk(samples: readonly Sample[]): Figure[] {
  const series = (name: string, value: (sample: Sample) => number): Series => ({
    name,
    points: pointsOf(samples, value),
  });
  return [
    {
      title: 'Journals',
      unit: 'MiB',
      about: 'What their files take of the disk.',
      series: [series('all', ({ journalBytes }) => journalBytes / MIB)],
      tolerance: { share: 0, floor: 1 },
    },
    {
      title: 'Disk of PostgreSQL',
      unit: 'MiB',
      about:
        'The database, and all that was written to the log (WAL), most of which is used again.',
      series: [
        series('database', ({ databaseBytes }) => databaseBytes / MIB),
        series('log', ({ logBytes }) => logBytes / MIB),
      ],
    },
  ];
}

function namesIn(
  samples: readonly Sample[],
  of: (sample: Sample) => Readonly<Record<string, unknown>>,
): string[] {
  return [...new Set(samples.flatMap((sample) => Object.keys(of(sample))))];
}

function pointsOf(
  samples: readonly Sample[],
  value: (sample: Sample) => number | null,
): readonly Point[] {
  return samples.flatMap((sample) => {
    const found = value(sample);
    return found === null ? [] : [{ atMs: sample.atMs, value: found }];
  });
}

/** Of a counter in ms: how much of the time, in percent. */
function ratesOf({ name, points }: Series): Series {
  const rates = points.slice(1).map(({ atMs, value }, before) => {
    const { atMs: sinceMs, value: since } = points[before] as Point;
    // A process of the part may have ended.
    return { atMs, value: Math.max(0, (100 * (value - since)) / (atMs - sinceMs)) };
  });
  return { name, points: rates };
}
