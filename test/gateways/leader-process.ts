// A process that wants to lead, for a test to kill: prints a line when it leads.

import { systemClock } from '../../src/clock.ts';
import { Bulletin } from '../../src/ledger/bulletin.ts';

const url = process.argv[2] ?? '';
const bulletin = new Bulletin({ url, timeoutMs: 2_000, clock: systemClock, onNews: () => {} });
bulletin.start();
const look = setInterval(() => {
  if (bulletin.leadingSinceMs === undefined) return;
  clearInterval(look);
  console.log('leads');
}, 10);
