// The dialog of an action on one payment: who does it and why, what it does, and the server's
// answer.

import { act } from './connection.js';
import { byId, setText } from './dom.js';
import { amount } from './format.js';

const ACTOR = 'repasse-actor';

const LEVERS = {
  retry: {
    title: 'Try now',
    about: 'The payment is tried now, or its processor is asked about it, as its state demands.',
  },
  send: {
    title: 'Send to a processor',
    about: 'An attempt is made now at the processor that you choose.',
  },
  'give-up': {
    title: 'Give up',
    about: 'The payment ends without a charge. It is not sent again, and its id stays known.',
  },
};

/** Where a processor may hold the payment. */
function mayBeCharged({ state, processor, unknown = false }) {
  return unknown || processor !== undefined || state === 'in doubt' || state === 'unverified';
}

let open;

/** Opens the dialog. `onDone` is called after an action that the server took. */
export function pull(lever, payment, onDone) {
  const { title, about } = LEVERS[lever];
  open = { lever, payment, onDone };
  setText(byId('lever-title'), title);
  setText(byId('lever-about'), about);
  setText(byId('lever-payment'), `${payment.correlationId} · ${amount(payment.amountCents)}`);
  setText(byId('lever-send'), title);
  byId('lever-send').hidden = false;
  byId('lever-answer').className = '';
  setText(byId('lever-answer'), '');
  byId('lever-processor-label').hidden = lever !== 'send';
  byId('lever-processor').value =
    payment.lastAnswer?.processor === 'default' ? 'fallback' : 'default';
  demandConfirmation(lever === 'give-up' && mayBeCharged(payment));
  byId('lever-actor').value = localStorage.getItem(ACTOR) ?? '';
  byId('lever-reason').value = '';
  byId('lever').showModal();
  byId(byId('lever-actor').value === '' ? 'lever-actor' : 'lever-reason').focus();
}

/** An extra tick before a payment ends that may have been charged. */
function demandConfirmation(isNeeded) {
  byId('lever-charged').checked = false;
  byId('lever-charged').required = isNeeded;
  byId('lever-charged-label').hidden = !isNeeded;
}

function bodyOf(lever) {
  const body = {
    actor: byId('lever-actor').value.trim(),
    reason: byId('lever-reason').value.trim(),
  };
  if (lever === 'send') body.processor = byId('lever-processor').value;
  if (byId('lever-charged').checked) body.mayBeCharged = true;
  return body;
}

async function send() {
  const { lever, payment, onDone } = open;
  const body = bodyOf(lever);
  localStorage.setItem(ACTOR, body.actor);
  const button = byId('lever-send');
  button.disabled = true;
  try {
    const path = `/payments/${encodeURIComponent(payment.correlationId)}/${lever}`;
    const { status, body: answer } = await act(path, body);
    const isDone = status === 200 || status === 202;
    const later = status === 202 ? ' (once the ledger answers)' : '';
    show(isDone, isDone ? `${answer.result ?? 'done'}${later}` : refusalOf(status, answer));
    if (isDone) {
      button.hidden = true;
      byId('lever-close').focus();
      onDone();
    } else if (answer.field === 'mayBeCharged') demandConfirmation(true);
  } catch (error) {
    show(false, `No answer: ${error.message}. Look at the payment before you try again.`);
  } finally {
    button.disabled = false;
  }
}

function refusalOf(status, { error = '', field, reason = error }) {
  return `Refused (${status}): ${field === undefined ? '' : `${field}: `}${reason}`;
}

function show(isDone, text) {
  byId('lever-answer').className = isDone ? 'good' : 'bad';
  setText(byId('lever-answer'), text);
}

export function prepareLevers() {
  byId('lever-form').addEventListener('submit', (event) => {
    event.preventDefault();
    void send();
  });
  byId('lever-close').addEventListener('click', () => byId('lever').close());
}
