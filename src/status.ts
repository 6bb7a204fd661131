// What an instance is about, in numbers, and the payments that are stuck, by id.

import type { Pipeline } from './pipeline.ts';

/** The log has all of them. */
const STUCK_LISTED_MAX = 1_000;

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
    stuck: offCourse.list(STUCK_LISTED_MAX),
  };
}
