// The connection to the admin server: the token, questions and actions, and the stream of
// snapshots, which is opened again whenever it ends.

import { byId } from './dom.js';

const TOKEN = 'repasse-token';
const AGAIN_MS = 1_000;
/** A snapshot comes every second: without one for this long the connection is dead. */
const SILENT_MS = 6_000;

/** A token in the address (#token=…) is taken out of it at once. */
export function takeTokenFromAddress() {
  const [, token] = /^#token=(.+)$/.exec(location.hash) ?? [];
  if (token === undefined) return;
  history.replaceState(null, '', location.pathname);
  sessionStorage.setItem(TOKEN, decodeURIComponent(token));
}

let asking;
const refuseClosing = (event) => event.preventDefault();

/** Asks for the token; resolves when there is one. Who asks meanwhile waits for the same dialog. */
function askForToken() {
  asking ??= new Promise((resolve) => {
    const dialog = byId('token');
    const form = byId('token-form');
    const input = byId('token-input');
    dialog.addEventListener('cancel', refuseClosing);
    form.addEventListener(
      'submit',
      (event) => {
        event.preventDefault();
        sessionStorage.setItem(TOKEN, input.value.trim());
        input.value = '';
        dialog.removeEventListener('cancel', refuseClosing);
        dialog.close();
        asking = undefined;
        resolve();
      },
      { once: true },
    );
    dialog.showModal();
  });
  return asking;
}

/** Sends a request with the token, and again with another one while the server refuses it. */
async function request(path, options = {}) {
  for (;;) {
    const token = sessionStorage.getItem(TOKEN);
    const headers = { ...options.headers };
    if (token !== null) headers.Authorization = `Bearer ${token}`;
    const response = await fetch(path, { ...options, headers });
    if (response.status !== 401) return response;
    await response.text();
    // Somebody else may have entered a new one meanwhile.
    if (token === sessionStorage.getItem(TOKEN)) await askForToken();
  }
}

/** The answer to a question. Throws with the server's reason if it is an error. */
export async function ask(path) {
  const { status, body } = await answerOf(await request(path));
  if (status === 200) return body;
  throw new Error(`${status} ${body.reason ?? body.error ?? ''}`.trim());
}

/** Status and body of the answer to an action. */
export async function act(path, body) {
  const headers = { 'Content-Type': 'application/json' };
  return answerOf(await request(path, { method: 'POST', headers, body: JSON.stringify(body) }));
}

async function answerOf(response) {
  const text = await response.text();
  try {
    return { status: response.status, body: JSON.parse(text) };
  } catch {
    return { status: response.status, body: { error: text.slice(0, 200) } };
  }
}

/**
 * Calls `onSnapshot` with each snapshot, and `onState` with true once one came, and with false and
 * the reason when the connection is lost. Never ends. The server ends each stream after a minute;
 * the next one's first snapshot comes when it is due.
 */
export async function follow(onSnapshot, onState) {
  for (;;) {
    try {
      await readStream((snapshot) => {
        onState(true);
        onSnapshot(snapshot);
      });
    } catch (error) {
      onState(false, error.message);
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

async function readStream(onSnapshot) {
  const silence = new AbortController();
  let timer;
  const received = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(new Error('no answer')), SILENT_MS);
  };
  try {
    const response = await request('/events', { signal: silence.signal });
    if (response.status !== 200) throw new Error((await answerOf(response)).body.reason);
    received();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      received();
      text += value;
      const events = text.split('\n\n');
      text = events.pop();
      for (const event of events) onSnapshot(JSON.parse(event.replace(/^data: /, '')));
    }
  } finally {
    clearTimeout(timer);
  }
}
