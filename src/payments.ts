// What an operator sees of payments, and does to them. USAGE has the words.

import { Failure } from './payments/failure.ts';
import { findServer } from './payments/find-server.ts';
import { giveUp, retry, send } from './payments/acting.ts';
import { showJournal } from './payments/journal.ts';
import { actions, anomalies, list, stuck } from './payments/listing.ts';
import { safeText } from './payments/printed.ts';
import { say, tolerateLostOutput, warn } from './payments/say.ts';
import { show } from './payments/showing.ts';
import { readWords, USAGE, type Words } from './payments/words.ts';

/** Resolves with the exit code; 0 without one. @throws Failure */
async function run(words: Words): Promise<0 | 1 | void> {
  if (words.command === 'help') return say(USAGE);
  if (words.command === 'journal') return showJournal(words);
  const client = await findServer(words.admin, process.env);
  switch (words.command) {
    case 'list':
      return list(client, words);
    case 'stuck':
      return stuck(client, words);
    case 'show':
      return show(client, words);
    case 'retry':
      return retry(client, words);
    case 'send':
      return send(client, words);
    case 'give-up':
      return giveUp(client, words);
    case 'anomalies':
      return anomalies(client, words);
    case 'actions':
      return actions(client, words);
  }
}

tolerateLostOutput();
try {
  const code = await run(readWords(process.argv.slice(2)));
  // What was lost of the output has set it already.
  process.exitCode ||= code ?? 0;
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  warn(safeText(error.message));
  process.exitCode = error.exitCode;
}
