// What each policy and each price earns in both of the contest's tests, replayed on virtual time:
// prints the tables of docs/MEASUREMENTS.md.

import { ConfigError } from '../../src/config/config.ts';
import { SETTINGS } from '../../src/config/settings.ts';
import { TESTS, type ContestTest } from '../../tools/contest/plan.ts';
import { endWithUsage, readCommandLine, type Command } from '../../tools/command-line.ts';
import { POLICY } from '../benchmarks.ts';
import { DOCUMENTED, tableOf, titleOf, type Row } from './policy-table.ts';
import type { Knobs } from './replay.ts';

const WAITS = [0, 2, 5, 10, 30, 100, 300];
const FLIGHTS = [0, 40, 160, 400];
const PROBES = [100, 500];

/** A row for every pair of prices, and for other probes. */
function grid(): Row[] {
  const knobs: Knobs[] = WAITS.flatMap((wait) =>
    FLIGHTS.map((flight) => ({ WAIT_COST_BPS_PER_S: wait, FLIGHT_COST_BPS_PER_S: flight })),
  );
  const probes = PROBES.map((probe) => ({ PROBE_EVERY_MS: probe }));
  return [...knobs, ...probes].map((of) => ({ name: 'thrifty', knobs: of }));
}

async function compare(test: ContestTest, given: Knobs): Promise<void> {
  const rows = [...DOCUMENTED, ...(hasGrid ? grid() : [])];
  const all = rows.map(({ name, knobs }) => ({ name, knobs: { ...given, ...knobs } }));
  const { table } = await tableOf(test, all);
  console.log(`${titleOf(test)}\n\n${table}\n`);
}

const COMMAND = {
  ...POLICY,
  furtherWords: {
    name: 'NAME=value',
    about: 'a setting of the instances for every row, such as PROBE_EVERY_MS=200',
  },
  options: { grid: { about: 'a row for every pair of prices too', preset: false } },
} as const satisfies Command;

function readGiven(words: readonly string[]): Knobs {
  for (const word of words) {
    const [name = '', value] = word.split('=', 2);
    if (value === undefined) endWithUsage(COMMAND, `"${word}" must be NAME=value`);
    if (!Object.hasOwn(SETTINGS, name)) {
      endWithUsage(COMMAND, `the setting "${name}" is not known`);
    }
  }
  return Object.fromEntries(words.map((word) => word.split('=', 2))) as Knobs;
}

const { grid: hasGrid, further } = readCommandLine(COMMAND);
const given = readGiven(further);
try {
  for (const test of [TESTS.preview, TESTS.final]) await compare(test, given);
} catch (error) {
  if (error instanceof ConfigError) endWithUsage(COMMAND, error.message);
  throw error;
}
