// The tables of processors, books and instances.

import { byId, element, showTable } from './dom.js';
import * as format from './format.js';

const NAMES = ['default', 'fallback'];
const SHARE_S = 60;
const number = (text) => ({ text, isNumber: true });

const state = (isGood, text) => element('span', { class: isGood ? 'good' : 'bad' }, text);

function percentilesOf(found) {
  if (found === null) return '–';
  return [found.p50, found.p90, found.p99].map(format.duration).join(' · ');
}

function stateOf(processors) {
  const failing = processors.filter((processor) => processor.failing);
  if (failing.length === 0) return state(true, 'works');
  const forMs = Math.max(...failing.map(({ failingForMs }) => failingForMs));
  const where = failing.length < processors.length ? ' for some instances' : '';
  return state(false, `fails${where}, for ${format.duration(forMs)}`);
}

function attemptsOf(processors) {
  const sums = {};
  for (const { attempts } of processors) {
    for (const [outcome, ended] of Object.entries(attempts)) {
      sums[outcome] = (sums[outcome] ?? 0) + ended;
    }
  }
  const counted = Object.entries(sums).filter(([, ended]) => ended > 0);
  return (
    counted.map(([outcome, ended]) => `${outcome} ${format.count(ended)}`).join(', ') || 'none'
  );
}

/** Of the slowest instance: percentiles can't be added. */
function slowest(processors) {
  const found = processors.map(({ attemptMs }) => attemptMs).filter((one) => one !== null);
  return found.toSorted((one, other) => other.p99 - one.p99)[0] ?? null;
}

export function showProcessors({ instances }, seconds) {
  const settled = (name) => seconds.mean(`settled ${name}`, SHARE_S) ?? 0;
  const all = settled('default') + settled('fallback');
  const rows = NAMES.map((name) => {
    const processors = instances.map((instance) => instance.processors[name]);
    const sum = (of) => processors.reduce((total, processor) => total + of(processor), 0);
    return [
      name,
      stateOf(processors),
      all === 0 ? '–' : format.percent((100 * settled(name)) / all),
      `${format.count(sum(({ inFlight }) => inFlight))} of ${format.count(
        sum(({ inFlightMax }) => inFlightMax),
      )}`,
      format.duration(Math.max(0, ...processors.map(({ delayMs }) => delayMs))),
      percentilesOf(slowest(processors)),
      attemptsOf(processors),
    ];
  });
  showTable(
    byId('processors'),
    'Processors',
    [
      'Processor',
      'State',
      number('Share of the last minute'),
      number('In flight'),
      number('Expected delay'),
      number('Attempts, p50 · p90 · p99'),
      'Attempts since the start',
    ],
    rows,
  );
}

export function showBooks({ books }) {
  if (books === null) {
    byId('books').replaceChildren(element('p', {}, 'The ledger does not answer.'));
    return;
  }
  const accounts = NAMES.map((name) => ({ name, ...books[name] }));
  const sum = (of) => accounts.reduce((total, account) => total + BigInt(of(account)), 0n);
  const total = {
    name: 'both',
    payments: sum(({ payments }) => payments),
    amountCents: sum(({ amountCents }) => amountCents),
    feeCents: sum(({ feeCents }) => feeCents),
  };
  const rows = [...accounts, total].map(({ name, payments, amountCents, feeCents }) => [
    name,
    format.count(BigInt(payments)),
    format.amount(amountCents),
    format.amount(feeCents),
    format.amount(BigInt(amountCents) - BigInt(feeCents)),
  ]);
  const headings = ['Processor', number('Payments'), number('Amount'), number('Fees')];
  showTable(byId('books'), 'Books', [...headings, number('Without fees')], rows);
}

function rowOf(instance) {
  const { ready, reason, membership, ledgerUp, ring, writer, eventLoopMs } = instance;
  const refused = writer.refused > 0 ? `, ${format.count(writer.refused)} refused` : '';
  return [
    instance.instance,
    state(ready, ready ? 'takes payments' : `refuses: ${reason}`),
    state(membership === 'agreed', membership),
    state(ledgerUp, ledgerUp ? 'answers' : 'away'),
    `${format.count(ring.used)} of ${format.count(ring.slots)}`,
    format.percent(100 * instance.cpuShare),
    `${format.count(writer.rows)} in ${format.count(writer.batches)}${refused}`,
    percentilesOf(instance.settleMs),
    percentilesOf(eventLoopMs),
    format.duration(instance.uptimeMs),
    instance.version,
  ];
}

export function showInstances({ instances, unreachable }) {
  const rows = instances.map(rowOf);
  for (const { instance, reason } of unreachable) {
    rows.push([instance, state(false, reason), ...Array.from({ length: 9 }, () => '–')]);
  }
  showTable(
    byId('instances'),
    'Instances',
    [
      'Instance',
      'State',
      'Membership',
      'Ledger',
      number('Slots used'),
      number('CPU'),
      number('Rows in batches'),
      number('Until settled, p50 · p90 · p99'),
      number('Event loop, p50 · p90 · p99'),
      number('Up for'),
      'Version',
    ],
    rows.toSorted(([one], [other]) => one - other),
  );
}
