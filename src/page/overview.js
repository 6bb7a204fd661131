// What is wrong, and the figures of this moment.

import { byId, element, setText } from './dom.js';
import * as format from './format.js';

/** Rates and shares are those of so many seconds. */
const RECENT_S = 5;

/** Who was late for the snapshot before: instances, and the books. */
let lateBefore = [];

/** Who is late for the second time in a row: once may be a busy machine. */
function goneOf({ unreachable, books }) {
  const late = unreachable.map(({ instance }) => instance);
  if (books === null) late.push('books');
  const gone = late.filter((one) => lateBefore.includes(one));
  lateBefore = late;
  return gone;
}

/** What is wrong, by text, with the instances that say so. Without numbers that change. */
function alarmsOf(snapshot) {
  const { instances, unreachable } = snapshot;
  const gone = goneOf(snapshot);
  const alarms = new Map();
  const add = (text, instance) => alarms.set(text, [...(alarms.get(text) ?? []), instance]);
  for (const { instance, reason } of unreachable) {
    if (gone.includes(instance)) add(`the instance ${reason}`, instance);
  }
  for (const { instance, ready, reason, degraded, writer } of instances) {
    if (!ready) add(`payments are refused: ${reason}`, instance);
    for (const text of degraded) {
      add(text.replace(/^\d+ payments stand still/, 'payments stand still'), instance);
    }
    if (writer.problem !== '') add(`rows can not be written: ${writer.problem}`, instance);
  }
  if (gone.includes('books')) alarms.set('the books can not be read', []);
  return alarms;
}

export function showAlarms(snapshot) {
  const texts = [...alarmsOf(snapshot)].map(([text, instances]) => {
    if (instances.length === 0) return text;
    return `${text} (instance${instances.length > 1 ? 's' : ''} ${instances.join(', ')})`;
  });
  const isCalm = texts.length === 0;
  const list = byId('alarm-list');
  const shown = [...list.children].map((item) => item.textContent);
  const wanted = isCalm ? ['Nothing is wrong.'] : texts;
  byId('alarms').className = isCalm ? 'calm' : 'alarmed';
  document.title = isCalm ? 'Repasse' : `(${texts.length}) Repasse`;
  // A screen reader reads what changes.
  if (shown.join('\n') === wanted.join('\n')) return;
  list.replaceChildren(...wanted.map((text) => element('li', {}, text)));
}

function sumOf(records, of) {
  return records.reduce((sum, record) => sum + of(record), 0);
}

/** How full the rings are, and when the first of those that fill up will be full. */
function roomOf(instances, held) {
  const slots = sumOf(instances, ({ ring }) => ring.slots);
  const text = `${format.percent((100 * held) / Math.max(1, slots))} of the ring`;
  const filling = instances.filter(({ ring }) => ring.fillingUp);
  if (filling.length === 0) return text;
  const fullInMs = Math.min(...filling.map(({ ring }) => ring.fullInMs));
  return `${text}, full in ${format.duration(fullInMs)}`;
}

function tilesOf({ instances }, seconds) {
  const recent = (column) => seconds.mean(column, RECENT_S) ?? 0;
  const held = sumOf(instances, ({ ring }) => ring.used);
  const stages = instances.flatMap((instance) => Object.values(instance.stages));
  const oldestMs = Math.max(0, ...stages.map((stage) => stage.oldestMs));
  const p99s = instances.map(({ settleMs }) => settleMs?.p99).filter((ms) => ms !== undefined);
  const refused = sumOf(instances, (instance) => instance.refused);
  const settled = recent('settled default') + recent('settled fallback');
  return [
    ['Accepted', format.perSecond(recent('accepted')), ''],
    ['Settled', format.perSecond(settled), 'in the ledger'],
    ['Refused', format.perSecond(recent('refused')), `${format.count(refused)} since the start`],
    ['Held', format.count(held), roomOf(instances, held)],
    ['Oldest held', held === 0 ? '–' : format.duration(oldestMs), ''],
    [
      'Until settled, p99',
      p99s.length === 0 ? '–' : format.duration(Math.max(...p99s)),
      'of the last minute',
    ],
    ['Unknown', format.count(sumOf(instances, ({ unknown }) => unknown)), 'outcomes'],
    ['Anomalies', format.count(sumOf(instances, ({ anomalies }) => anomalies)), 'since the start'],
  ];
}

export function showTiles(snapshot, seconds) {
  const place = byId('tiles');
  const tiles = tilesOf(snapshot, seconds);
  if (place.children.length === 0) {
    const made = tiles.map(([name]) =>
      element('div', {}, element('dt', {}, name), element('dd', {}), element('dd', {})),
    );
    place.append(...made);
  }
  for (const [index, [, value, about]] of tiles.entries()) {
    const [, first, second] = place.children[index].children;
    setText(first, value);
    setText(second, about);
  }
}
