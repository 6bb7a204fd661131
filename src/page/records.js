// The latest anomalies and actions of operators, out of the ledger.

import { ask } from './connection.js';
import { byId, element, showTable } from './dom.js';
import { amount, time } from './format.js';

const LISTED = 10;
const EVERY_MS = 5_000;

/** "19.90 at default"; "–" if nothing is known. */
function valuesOf(values = {}) {
  const { amountCents, processor } = values ?? {};
  if (amountCents === undefined) return '–';
  return `${amount(amountCents)}${processor === undefined ? '' : ` at ${processor}`}`;
}

const mono = (text) => element('span', { class: 'mono' }, text);

const LISTS = [
  {
    path: '/anomalies',
    place: 'anomalies',
    listOf: ({ anomalies }) => anomalies,
    headings: ['Payment', 'What contradicts', 'Accepted', 'Charged', 'Recorded', 'Found at'],
    rowOf: ({ correlationId, kind, accepted, charged, recorded, foundAt }) => [
      mono(correlationId),
      kind,
      valuesOf(accepted),
      valuesOf(charged),
      valuesOf(recorded),
      time(foundAt),
    ],
  },
  {
    path: '/actions',
    place: 'actions',
    listOf: ({ actions }) => actions,
    headings: ['Payment', 'Action', 'Who', 'Why', 'Done at'],
    rowOf: ({ correlationId, action, actor, reason, doneAt }) => [
      mono(correlationId),
      action,
      actor,
      reason,
      time(doneAt),
    ],
  },
];

async function refresh({ path, place, listOf, headings, rowOf }) {
  try {
    const list = listOf(await ask(`${path}?limit=${LISTED}`));
    if (list.length === 0) byId(place).replaceChildren(element('p', {}, 'None.'));
    else showTable(byId(place), place, headings, list.map(rowOf));
  } catch (error) {
    byId(place).replaceChildren(element('p', {}, `It can not be read: ${error.message}`));
  }
}

export function prepareRecords() {
  const again = async () => {
    if (document.visibilityState === 'visible') await Promise.all(LISTS.map(refresh));
    setTimeout(again, EVERY_MS);
  };
  void again();
}
