// The ports of an engine whose instance has to agree with the others first. Until it does, the
// ledger is away for it, and so are the other instances; no processor is asked about a payment.
// What starts an attempt is barred in the engine itself.

import type { Ports } from './ports.ts';

type Processor = Ports['processors'][0];

interface Membership {
  readonly state: 'pending' | 'agreed' | 'disagreed';
  readonly agreed: Promise<void>;
  /** @throws when the ledger may not be asked about payments */
  mayAsk(): Promise<void>;
}

const NOT_ASKED = { held: 'unknown', status: 0, said: '' } as const;

/** `membership` is called once the engine runs. */
export function guarded(ports: Ports, membership: () => Membership): Ports {
  const { ledger, offer, processors } = ports;
  const isAgreed = (): boolean => membership().state === 'agreed';
  const guard = (processor: Processor): Processor => ({
    charge: (charge, timeoutMs) => processor.charge(charge, timeoutMs),
    lookup: (id, timeoutMs) =>
      isAgreed() ? processor.lookup(id, timeoutMs) : Promise.resolve(NOT_ASKED),
    health: (timeoutMs) => processor.health(timeoutMs),
  });
  return {
    ...ports,
    processors: [guard(processors[0]), guard(processors[1])],
    ledger: {
      ...ledger,
      find: async (ids) => {
        await membership().mayAsk();
        return ledger.find(ids);
      },
      idsAfter: async (id, most) => {
        await membership().agreed;
        if (!isAgreed()) throw new Error('the ledger does not agree');
        return ledger.idsAfter(id, most);
      },
    },
    offer: (owner, id, cents) => (isAgreed() ? offer(owner, id, cents) : Promise.resolve('away')),
  };
}
