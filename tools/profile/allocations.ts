// Loaded before main.js (`node --import`): from SIGUSR2 on samples what is allocated, also what is collected again, and writes that to
// ALLOCATIONS_PATH when the process ends, as a .heapprofile.
//
// clinic's own collecting doesn't do here: it writes when the event loop runs empty, and an instance ends by process.exit; and it
// shows what is still alive at the end, whereas the garbage is what costs.

import { writeFileSync } from 'node:fs';
import { Session, type HeapProfiler } from 'node:inspector';

/** One sample per so many bytes on average. */
const SAMPLE_BYTES = 4_096;

/** `@types/node` 20 doesn't know the last two yet; Node 20.20 does. */
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
  // Answers within the call: the session is of this very thread.
  session.post('HeapProfiler.stopSampling', (error, { profile }) => {
    if (!error) writeFileSync(path, JSON.stringify(profile));
  });
});
