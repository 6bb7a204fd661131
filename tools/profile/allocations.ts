// Loaded before main.js (`node --import`): from SIGUSR2 on it samples allocations, garbage
// included, and writes them to ALLOCATIONS_PATH when the process ends, as a .heapprofile.
//
// clinic's own collector writes when the event loop is empty, but an instance ends by process.exit.
// It also shows only what is alive at the end, whereas the garbage costs the time.

import { writeFileSync } from 'node:fs';
import { Session, type HeapProfiler } from 'node:inspector';

/** One sample per so many bytes on average. */
const SAMPLE_BYTES = 4_096;

/** Node 20.20 has the last two; `@types/node` 20 does not. */
interface Sampling extends HeapProfiler.StartSamplingParameterType {
  readonly includeObjectsCollectedByMajorGC: true;
  readonly includeObjectsCollectedByMinorGC: true;
}

const path = process.env['ALLOCATIONS_PATH'];
if (!path) throw new Error('ALLOCATIONS_PATH is missing');
const session = new Session();
session.connect();

process.once('SIGUSR2', () => {
  const sampling: Sampling = {
    samplingInterval: SAMPLE_BYTES,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  };
  session.post('HeapProfiler.startSampling', sampling);
});
process.once('exit', () => {
  // The answer comes within the call, because the session is of this thread.
  session.post('HeapProfiler.stopSampling', (error, { profile }) => {
    if (!error) writeFileSync(path, JSON.stringify(profile));
  });
});
