// `npm run model`: the model checker on the cluster's protocol, whole and without each rule.

import { availableParallelism } from 'node:os';
import { readCommandLine } from './command-line.ts';
import { budgetWithout, NEEDLESS_RULE, RULES, type Rule } from './model/rules.ts';
import { check, missingPackage, type Budget, type Search } from './model/spin.ts';

const NAMES = Object.keys(RULES) as Rule[];
const EVERY_RULE = 'all';

const { faults, troubles, rule } = readCommandLine({
  name: 'model',
  does:
    "Checks a model of the cluster's protocol with Spin: no run may charge a payment twice or " +
    'lose one, and without any single rule of the protocol some run must. docs/MODEL.md explains ' +
    'it.',
  needs: 'the packages spin and g++, which it installs as root',
  takes: 'Takes about a minute.',
  options: {
    rule: {
      about: 'only the run that breaks a promise without this rule, in words',
      preset: EVERY_RULE,
      oneOf: [EVERY_RULE, ...NAMES],
    },
    faults: { about: 'crashes, cuts, stops and failovers with one payment', preset: 4, least: 1 },
    troubles: { about: "processors' bad answers with one payment", preset: 2, least: 1 },
  },
  ends: {
    0: 'no run of the whole protocol breaks a promise, and one without each rule does',
    1: 'otherwise',
  },
});
/** Each search of the whole protocol but the first. */
const BESIDE: readonly (readonly [Search, Budget, readonly string[]])[] = [
  ['broken promises', { payments: 2, slots: 2, faults: 1, troubles: 1, restores: 0 }, []],
  ['broken promises', { payments: 2, slots: 1, faults: 2, troubles: 1, restores: 0 }, []],
  ['broken promises', { payments: 1, slots: 1, faults: 2, troubles: 1, restores: 1 }, []],
  ['broken promises', { payments: 2, slots: 1, faults: 0, troubles: 1, restores: 1 }, []],
  ['endless runs', { payments: 1, slots: 1, faults: 3, troubles: 2, restores: 0 }, []],
  ['endless runs', { payments: 1, slots: 1, faults: 1, troubles: 1, restores: 1 }, []],
  [
    'broken promises',
    { payments: 1, slots: 1, faults: 3, troubles: 2, restores: 0 },
    [NEEDLESS_RULE],
  ],
];

const missing = await missingPackage();
if (missing !== undefined) {
  console.error(`model: please install the package ${missing}, and start again`);
  process.exitCode = 1;
} else if (rule === EVERY_RULE) {
  const isWhole = await checkWhole();
  const isNeeded = await checkRules();
  process.exitCode = isWhole && isNeeded ? 0 : 1;
} else {
  process.exitCode = (await tell(rule)) ? 0 : 1;
}

async function checkWhole(): Promise<boolean> {
  const one = { payments: 1, slots: 1, faults, troubles, restores: 0 };
  const searches: typeof BESIDE = [['broken promises', one, []], ...BESIDE];
  console.log(columns(['THE WHOLE PROTOCOL', 'found', 'states', 's', 'MiB']));
  const found = await inTurns(searches, async ([search, budget, switches]) => {
    const { broken, states, seconds, memoryMib } = await check(search, budget, switches);
    const size = Object.entries(budget).map(([name, value]) => `${value} ${name}`);
    const name = [`${search}: ${size.join(', ')}`, ...switches].join(', without ');
    console.log(columns([name, broken?.promise ?? 'none', states, seconds, memoryMib]));
    for (const step of broken?.story ?? []) console.log(`    ${step}`);
    return broken === undefined;
  });
  return !found.includes(false);
}

async function checkRules(): Promise<boolean> {
  console.log(`\n${columns(['WITHOUT THE RULE', 'found', 'states', 's', 'steps'])}`);
  const found = await inTurns(NAMES, async (name) => {
    const { broken, states, seconds } = await withoutRule(name);
    const promise = broken?.promise ?? 'NOTHING: the model does not show what it is for';
    console.log(columns([RULES[name], promise, states, seconds, broken?.story.length ?? '-']));
    return broken !== undefined;
  });
  const count = found.filter(Boolean).length;
  console.log(`\n${count} of ${NAMES.length} rules are shown to be needed`);
  return count === NAMES.length;
}

async function tell(name: Rule): Promise<boolean> {
  const { broken } = await withoutRule(name);
  console.log(`Without the rule: ${RULES[name]}`);
  for (const [index, step] of (broken?.story ?? []).entries()) console.log(`${index + 1}. ${step}`);
  console.log(`=> ${broken?.promise ?? 'no run breaks a promise'}`);
  return broken !== undefined;
}

function withoutRule(name: Rule): ReturnType<typeof check> {
  return check('the shortest way', budgetWithout(name), [name, 'ONLY_MONEY']);
}

/** Runs `action` on each item, as many at once as there are cores. */
async function inTurns<T, R>(
  items: readonly T[],
  action: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  const left = items.values();
  const workers = Array.from({ length: Math.min(availableParallelism(), 2) }, async () => {
    for (const item of left) results.push(await action(item));
  });
  await Promise.all(workers);
  return results;
}

function columns([first, second, ...numbers]: readonly (string | number)[]): string {
  const cells = numbers.map((cell) => String(cell).padStart(9)).join('');
  return `${String(first).padEnd(82)} ${String(second).padEnd(48)}${cells}`;
}
