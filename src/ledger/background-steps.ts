// Runs the steps of the schema that may come later, until they are done by this instance or by
// another one.

import { sleep, type Clock } from '../clock.ts';
import { Condition } from '../log/condition.ts';
import type { Log } from '../log/log.ts';
import type { LedgerReader } from './reader.ts';

export interface BackgroundStepsParts {
  readonly reader: Pick<LedgerReader, 'ensureInBackground'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly isOver: () => boolean;
}

const RETRY_MS = 5_000;

/** Never rejects. */
export async function runBackgroundSteps(parts: BackgroundStepsParts): Promise<void> {
  const { reader, clock, log, isOver } = parts;
  const failing = new Condition();
  while (!isOver()) {
    try {
      const steps = await reader.ensureInBackground();
      if (steps !== 'busy') {
        if (steps.length > 0) log.info('ledger steps done in the background', { steps });
        return;
      }
    } catch (error) {
      const isLogged = failing.update(!isOver(), clock.elapsed());
      const { message } = error as Error;
      if (isLogged) log.warn('ledger step failed', { ...isLogged, message });
    }
    await sleep(clock, RETRY_MS);
  }
}
