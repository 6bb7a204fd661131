// The state of an instance in numbers, and the payments that are stuck, by id.

import type { Engine } from '../engine.ts';

/** The log names all of them. */
const STUCK_LISTED_MAX = 1_000;

export function statusOf(engine: Engine): Record<string, unknown> {
  const { ring, held, routing, attempts, reconcilers, inDoubt, verifier, handOvers } = engine;
  const { writer, recovering, contradictions, anomalies } = engine;
  return {
    accepted: held.accepted,
    queued: ring.waiting,
    inFlight: routing.inFlight,
    aside: attempts.setAside.waiting,
    held: ring.used,
    free: ring.free,
    unknown: reconcilers.pending,
    doubtful: inDoubt.pending,
    verifying: verifier.pending,
    foreign: handOvers.pending,
    unrecorded: writer.pending,
    refused: writer.refused,
    recovering: recovering.count,
    checking: contradictions.checking,
    anomalies: anomalies.found,
    stuck: stuck(engine),
  };
}

/** Set aside, of unknown outcome, in doubt, or declined and waiting for a processor. */
function stuck({ attempts, reconcilers, inDoubt, ring }: Engine): Record<string, unknown>[] {
  const listed = attempts.setAside.list(STUCK_LISTED_MAX);
  listed.push(...reconcilers.list(STUCK_LISTED_MAX - listed.length));
  listed.push(...inDoubt.list(STUCK_LISTED_MAX - listed.length));
  for (let place = 0; place < ring.waiting && listed.length < STUCK_LISTED_MAX; place++) {
    const slot = ring.waitingAt(place);
    const failures = ring.declines[slot];
    if (failures === 0) continue;
    const { correlationId, amountCents } = ring.chargeOf(slot);
    listed.push({ correlationId, amountCents, outcome: 'queued', failures });
  }
  return listed;
}
