// A page of the simulated ledger's settled ids.

import type { PageWanted, SettledPage } from '../../src/ledger/settled-page.ts';
import { idFromText, ownerOf, type IdWords } from '../../src/payment.ts';

/** Small: reading all takes seconds, as with millions of rows. */
const PAGE_MAX = 10;

export function pageOf(known: readonly string[], wanted: PageWanted): SettledPage {
  const { after, instance, instances } = wanted;
  const most = Math.min(wanted.most, PAGE_MAX);
  const ids = [...new Set(known)]
    .filter((candidate) => candidate > after)
    .toSorted()
    .slice(0, most);
  const words = ids.map((id) => idFromText(id) as IdWords);
  const own = words.filter((id) => ownerOf(id, instances) === instance);
  return {
    ids: Uint32Array.from(own.flatMap((id) => [...id])),
    last: ids.length === most ? ids.at(-1) : undefined,
  };
}
