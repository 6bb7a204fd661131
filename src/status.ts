// What an instance is about, in numbers, and the payments that are stuck, by id.

import type { Pipeline } from './pipeline.ts';

/** The log has all of them. */
const STUCK_LISTED_MAX = 1_000;

/** Payments that failed and wait for a processor to work again. */
function failedInQueue({ ring }: Pipeline): Record<string, unknown>[] {
  const listed: Record<string, unknown>[] = [];
  for (let place = 0; place < ring.waiting && listed.length < STUCK_LISTED_MAX; place++) {
    const slot = ring.waitingAt(place);
    if (ring.declines[slot] === 0) continue;
    const correlationId = ring.idText(slot);
    const [amountCents, failures] = [ring.amountCents[slot], ring.declines[slot]];
    listed.push({ correlationId, amountCents, outcome: 'queued', failures });
  }
  return listed;
}

export function statusOf(pipeline: Pipeline): Record<string, unknown> {
  const { ring, intake, routing, offCourse, verifier } = pipeline;
  const { handOvers, writer, tally, recovering, contradictions } = pipeline;
  return {
    accepted: intake.accepted,
    queued: ring.waiting,
    inFlight: routing.inFlight,
    aside: offCourse.setAside.waiting,
    held: ring.slots - ring.free,
    free: ring.free,
    unknown: offCourse.unknown,
    doubtful: offCourse.doubts.pending,
    verifying: verifier.pending,
    foreign: handOvers.pending,
    unrecorded: writer.pending,
    refused: writer.poisoned,
    recovering: recovering.count,
    checking: contradictions.checking,
    anomalies: contradictions.anomalies.found,
    ...tally.ofProcessors(),
    stuck: [...offCourse.list(STUCK_LISTED_MAX), ...failedInQueue(pipeline)],
  };
}
