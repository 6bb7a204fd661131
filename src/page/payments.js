// The list of held payments, with what an operator may do about each.

import { ask } from './connection.js';
import { byId, element, setText, showTable } from './dom.js';
import { amount, count, duration, time } from './format.js';
import { pull } from './lever.js';

const LISTED_MAX = 100;
const EVERY_MS = 3_000;

const number = (text) => ({ text, isNumber: true });
let found;

const BUTTONS = [
  ['retry', 'Try now'],
  ['send', 'Send …'],
  ['give-up', 'Give up …'],
];

/** Buttons are found again by payment and action: a new list takes the focus to the same one. */
function buttonsOf(payment) {
  return BUTTONS.map(([lever, text]) => {
    const attributes = { type: 'button', 'data-key': `${lever} ${payment.correlationId}` };
    const label = `${text.replace(' …', '')} ${payment.correlationId}`;
    const button = element('button', { ...attributes, 'aria-label': label }, text);
    if (lever === 'send' && payment.processor !== undefined) {
      button.disabled = true;
      button.title = `It may be at ${payment.processor}: it goes nowhere else.`;
    }
    button.addEventListener('click', () => pull(lever, payment, () => void refresh()));
    return button;
  });
}

function answerOf({ lastAnswer }) {
  if (lastAnswer === undefined) return '–';
  const status = lastAnswer.status === 0 ? 'no answer' : lastAnswer.status;
  return `${lastAnswer.processor}: ${lastAnswer.outcome}, ${status}`;
}

function rowOf(payment) {
  const { correlationId, state, amountCents, processor, unknown, acceptedAt } = payment;
  const where = processor === undefined ? state : `${state}: ${processor}`;
  return [
    [
      element('span', { class: 'mono' }, correlationId),
      element('span', { class: 'levers' }, ...buttonsOf(payment)),
    ],
    amount(amountCents),
    unknown ? `${where}, outcome unknown` : where,
    acceptedAt === undefined ? '–' : duration(Math.max(0, Date.now() - Date.parse(acceptedAt))),
    payment.attempts ?? '–',
    answerOf(payment),
    payment.instance ?? '–',
    acceptedAt === undefined ? '–' : time(acceptedAt),
  ];
}

function show(payments) {
  const focused = document.activeElement?.getAttribute('data-key');
  const place = byId('payments');
  if (payments.length === 0) place.replaceChildren(element('p', {}, 'None.'));
  else {
    showTable(
      place,
      'Held payments',
      [
        'Payment',
        number('Amount'),
        'State',
        number('Age'),
        number('Attempts'),
        'Last answer',
        number('Instance'),
        number('Accepted at'),
      ],
      payments.map(rowOf),
    );
  }
  if (focused !== null && focused !== undefined) {
    place.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }
}

/** The states that may be chosen are those that the server counts. */
function offerStates(counts) {
  const select = byId('state');
  for (const state of Object.keys(counts)) {
    const known = [...select.options].find((option) => option.value === state);
    const option = known ?? element('option', { value: state });
    setText(option, `${state} (${count(counts[state])})`);
    if (known === undefined) select.append(option);
  }
}

async function refresh() {
  const id = found;
  try {
    if (id !== undefined) await showFound(id);
    else await showList();
  } catch (error) {
    if (id === found) setText(byId('stuck-note'), `The list can not be read: ${error.message}`);
  }
}

async function showFound(id) {
  const payment = await ask(`/payments/${encodeURIComponent(id)}`);
  if (id !== found) return;
  const { state, processor, amountCents } = payment;
  if (state !== 'settled' && payment.acceptedAt !== undefined) {
    setText(byId('stuck-note'), 'It is held:');
    show([payment]);
    return;
  }
  const where = processor === undefined ? '' : ` by ${processor}`;
  setText(byId('stuck-note'), `It is ${state}${where}, with ${amount(amountCents)}.`);
  show([]);
}

async function showList() {
  const state = byId('state').value;
  const query = state === '' ? '' : `&state=${encodeURIComponent(state)}`;
  const { payments, counts, unreachable } = await ask(`/payments?limit=${LISTED_MAX}${query}`);
  if (found !== undefined || state !== byId('state').value) return;
  offerStates(counts);
  const all = Object.values(counts).reduce((sum, held) => sum + held, 0);
  const away = unreachable.length > 0 ? ` Without instance ${unreachable.join(', ')}.` : '';
  const listed = `${count(payments.length)} of ${count(all)} that are held, oldest first.`;
  setText(byId('stuck-note'), listed + away);
  show(payments);
}

export function preparePayments() {
  byId('filter').addEventListener('submit', (event) => {
    event.preventDefault();
    found = byId('find').value.trim() || undefined;
    void refresh();
  });
  byId('state').addEventListener('change', () => {
    found = undefined;
    byId('find').value = '';
    void refresh();
  });
  const again = async () => {
    // An open dialog is about a row of the list: it stays as it is.
    if (!byId('lever').open && document.visibilityState === 'visible') await refresh();
    setTimeout(again, EVERY_MS);
  };
  void again();
}
