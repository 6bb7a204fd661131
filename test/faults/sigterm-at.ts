// Loaded before main.js (`node --import`): the process sends itself one SIGTERM at the stage of its
// start that SIGTERM_AT names.

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { DiskJournalFile } from '../../src/buffer/journal-file.ts';
import { HttpProcessor } from '../../src/gateways/processor.ts';
import { wrap } from './wrap.ts';

const STAGES = {
  'before it touches anything': () => whenSaying('starting'),
  'making its journal': () => whenCalling(DiskJournalFile.prototype, 'write'),
  'after its recovery': () => whenSaying('recovered'),
  'warming up': () => whenCalling(HttpProcessor.prototype, 'charge'),
  'without a ledger': () => whenSaying('ledger unavailable'),
  'just listening': () => whenSaying('listening'),
} as const satisfies Readonly<Record<string, () => void>>;

export type Stage = keyof typeof STAGES;

function whenSaying(event: string): void {
  around(fs, 'write', (_, text) => String(text).includes(`"event":"${event}"`));
  // For those who import it by name.
  syncBuiltinESMExports();
}

function whenCalling(target: object, name: string): void {
  around(target, name, () => true);
}

function around(target: object, name: string, isIt: (...parameters: unknown[]) => boolean): void {
  let isSent = false;
  wrap(target, name, (original) => {
    return function (this: object, ...parameters) {
      if (!isSent && isIt(...parameters)) {
        isSent = true;
        process.kill(process.pid, 'SIGTERM');
      }
      return original.apply(this, parameters);
    };
  });
}

STAGES[process.env['SIGTERM_AT'] as Stage]();
