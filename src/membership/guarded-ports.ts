// The ports of an engine, closed until its instance's membership is agreed. Until then the ledger
// and the other instances look unreachable to the engine, and no processor is asked about a
// payment. Attempts are not stopped here: Engine.bar does that.

import type { Ports } from '../ports.ts';
import type { Membership } from './membership.ts';

type Processor = Ports['processors'][0];

const NOT_ASKED = { held: 'unknown', status: 0, excerpt: '' } as const;

/**
 * `membership` is called when the engine uses a port, not before: the engine is made first. Each
 * port is named here, and not spread, so that all engines have objects of one kind, the warm-up's
 * too, whatever order the caller names them in.
 */
export function guarded(ports: Ports, membership: () => Membership): Required<Ports> {
  const { ledger, offer, processors } = ports;
  const isAgreed = (): boolean => membership().state === 'agreed';
  const guard = (processor: Processor): Processor => ({
    charge: (charge, timeoutMs) => processor.charge(charge, timeoutMs),
    lookup: (id, timeoutMs) =>
      isAgreed() ? processor.lookup(id, timeoutMs) : Promise.resolve(NOT_ASKED),
    health: (timeoutMs) => processor.health(timeoutMs),
  });
  return {
    clock: ports.clock,
    cpu: ports.cpu,
    journalFile: ports.journalFile,
    filterFile: ports.filterFile,
    processors: [guard(processors[0]), guard(processors[1])],
    ledger: {
      connect: ledger.connect,
      find: async (ids) => {
        await membership().requireAgreed();
        return ledger.find(ids);
      },
      idsAfter: async (wanted) => {
        await membership().agreed;
        if (!isAgreed()) throw new Error('the ledger does not agree');
        return ledger.idsAfter(wanted);
      },
      repairsAfter: async (number, most) => {
        await membership().agreed;
        if (!isAgreed()) throw new Error('the ledger does not agree');
        return ledger.repairsAfter(number, most);
      },
      recordAnomalies: ledger.recordAnomalies,
      recordAction: async (action) => {
        await membership().requireAgreed();
        return ledger.recordAction(action);
      },
      giveUp: async (payment) => {
        await membership().requireAgreed();
        return ledger.giveUp(payment);
      },
    },
    offer: (...payment) => (isAgreed() ? offer(...payment) : Promise.resolve('away')),
    isOurs: ports.isOurs,
    log: ports.log,
    onFatal: ports.onFatal,
  };
}
