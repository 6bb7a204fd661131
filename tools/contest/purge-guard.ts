// A run begins with a purge, which forgets every payment of the backend and of both processors.
// What a run of this command left there may go. Anything else goes only with --purge.

import type { Endpoints } from '../audit/endpoints.ts';
import { sumOf, type Standing, type Totals } from '../audit/totals.ts';
import { field, parseJson } from '../audit/json-field.ts';
import { ask } from '../system/ask.ts';
import { PROCESSORS } from '../../src/payment.ts';
import { money } from './printed.ts';
import { findRun, listRuns } from './runs.ts';

interface Guarded {
  readonly endpoints: Endpoints;
  /** Sockets of the instances, where they could be found: they tell what waits. */
  readonly instanceSockets: readonly string[];
  /** The directory of the runs. */
  readonly runs: string;
  /** Whether --purge was given. */
  readonly mayPurge: boolean;
}

/** Returns what is about to be purged, in words. @throws Error when that is somebody else's. */
export async function checkPurge(guarded: Guarded): Promise<string> {
  const { endpoints, instanceSockets, runs, mayPurge } = guarded;
  const { backend, processors } = endpoints.addresses;
  const standing = await readStanding(endpoints);
  const waiting = await waitingAt(instanceSockets);
  const parts = [
    wordsOf(backend, sumOf(standing.backend)),
    ...PROCESSORS.map((each) => wordsOf(processors[each], standing.processors[each])),
    ...(waiting > 0 ? [`${waiting} payments that are not settled yet`] : []),
  ];
  const unseen =
    instanceSockets.length === 0
      ? '; its instances were not found here, so payments that still wait there are not counted'
      : '';
  const isEmpty = waiting === 0 && countOf(standing) === 0;
  const isOurs = waiting === 0 && (await isLeftByRun(runs, endpoints, standing));
  if (isEmpty || isOurs || mayPurge) return `purging ${parts.join(', ')}${unseen}`;
  throw new Error(
    `a run begins with a purge, and there are payments that the last run did not leave: ` +
      `${parts.join(', ')}. --purge forgets them all`,
  );
}

type Readable = { readonly [K in keyof Standing]: NonNullable<Standing[K]> };

/** @throws Error when a summary can't be read: what is there may be another program. */
async function readStanding(endpoints: Endpoints): Promise<Readable> {
  const { backend, processors } = await endpoints.standing();
  const { addresses } = endpoints;
  if (backend === null) throw noSummary(`${addresses.backend}/payments-summary`);
  if (processors === null) {
    throw noSummary(
      addresses.processors.map((url) => `${url}/admin/payments-summary`).join(' or '),
    );
  }
  return { backend, processors };
}

const noSummary = (where: string): Error =>
  new Error(`no summary of payments at ${where}: is another program there? Nothing was purged`);

function wordsOf(url: string, { requests, cents }: Totals): string {
  return requests === 0 ? `${url} (empty)` : `${url} (${requests} payments, ${money(cents)})`;
}

const countOf = ({ backend, processors }: Readable): number =>
  [...backend, ...processors].reduce((sum, { requests }) => sum + requests, 0);

/** Payments that instances hold: a summary has only those that are settled. */
async function waitingAt(sockets: readonly string[]): Promise<number> {
  const held = await Promise.all(
    sockets.map(async (socket) => {
      const answer = await ask(socket, '/internal/status').catch(() => undefined);
      const count = field(parseJson(answer?.body ?? ''), 'held');
      return typeof count === 'number' ? count : 0;
    }),
  );
  return held.reduce((sum, count) => sum + count, 0);
}

/** Whether the last run against this system left exactly these totals. */
async function isLeftByRun(
  runs: string,
  endpoints: Endpoints,
  standing: Standing,
): Promise<boolean> {
  for (const name of (await listRuns(runs)).toReversed()) {
    const { result } = await findRun(runs, name).catch(() => ({ result: null }));
    if (JSON.stringify(result?.addresses) !== JSON.stringify(endpoints.addresses)) continue;
    return JSON.stringify(result?.afterDrain) === JSON.stringify(standing);
  }
  return false;
}
