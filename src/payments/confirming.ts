// Asks on the terminal before a payment is given up.

import { createInterface } from 'node:readline';
import { reasonOf, type AdminClient } from './admin-client.ts';
import { Failure, wrongWords } from './failure.ts';
import { textOf } from './printed.ts';
import { warn } from './say.ts';
import { paymentText } from './showing.ts';
import type { Words } from './words.ts';

/**
 * Shows the payment, and resolves with whether the operator typed "yes".
 * @throws Failure without a terminal, or if the payment is not held
 */
export async function confirmed(
  client: AdminClient,
  { id, mayBeCharged }: Words,
): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw wrongWords('give-up asks for confirmation on a terminal; a script says --yes');
  }
  const answer = await client.payment(id);
  if (answer.status !== 200) throw new Failure(`not done: ${reasonOf(answer)}`);
  const { state, acceptedAt } = answer.body;
  warn(paymentText(answer.body));
  if (acceptedAt === undefined) throw new Failure(`not done: it is ${textOf(state)}`);
  warn(
    mayBeCharged
      ? 'A processor may have charged it. Repasse will neither ask about it nor record a charge.'
      : 'It will not be charged, and its id is refused from then on.',
  );
  return (await typed('Give this payment up? Type "yes": ')) === 'yes';
}

/** The line that is typed; '' at the end of the input, or after Ctrl-C. */
function typed(question: string): Promise<string> {
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  return new Promise((resolve) => {
    reader.once('close', () => resolve(''));
    reader.question(question, (line) => {
      resolve(line.trim());
      reader.close();
    });
  });
}
