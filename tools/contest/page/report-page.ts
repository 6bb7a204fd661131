// The report of a run as one page.

import { faultsOf } from '../../audit/audit.ts';
import { isContest } from '../plan.ts';
import { milliseconds, money } from '../printed.ts';
import type { Result } from '../result.ts';
import { document, tile } from '../../page/document.ts';
import { graph } from '../../page/graph.ts';
import { graphsOf } from './graphs.ts';
import { histogram } from './histogram.ts';
import { html, NOTHING, type Html } from '../../page/html.ts';
import {
  aboutSection,
  auditSection,
  checksSection,
  driftSection,
  scoreSection,
} from './sections.ts';

export function reportPage(result: Result): string {
  const { series, latency, plan, startedAt } = result;
  const [backlog, settled, ...others] = graphsOf(result).map(graph);
  const bars = { name: 'this run', tone: 'a', bars: series.histogram } as const;
  const body = html`<p class="soft">npm run k6 -- ${plan.name}</p>
    <h1>${plan.name}, ${startedAt.slice(0, 16).replace('T', ' ')} UTC</h1>
    ${result.isPartial ? html`<p class="warn"><b>Partial:</b> the test was interrupted. Every figure is of what was sent until then.</p>` : NOTHING}
    ${tiles(result)}${found(result)}
    <h2>Over time</h2>
    ${backlog ?? NOTHING}${settled ?? NOTHING}${scoreSection(result)}${driftSection(result)}
    <h2>Latency, errors and parts</h2>
    ${others} ${histogram([{ ...bars, latency: latency.payments }])}
    ${remarks(result)}${checksSection(result)}${auditSection(result)}${aboutSection(result)}`;
  return document(`${plan.name} ${result.name}`, body);
}

function tiles(result: Result): Html {
  const { score, ceilingCents, latency, verdicts, unsettledAtEnd, audit, plan, bonus } = result;
  const { accepted, refused, unknown } = verdicts;
  const audited = faultsOf(audit).length === 0;
  const share = ceilingCents === 0 ? 0 : (100 * score.totalCents) / ceilingCents;
  const next = bonus.better;
  const p99Ms = latency.all.p99Ms ?? Infinity;
  const step =
    next === null || !isContest(plan)
      ? 'p99 of all requests'
      : `p99 of all requests; bonus ${bonus.exactPercent.toFixed(1)} %, ` +
        `${(p99Ms - next.p99Ms).toFixed(2)} ms less gives ${next.percent} %`;
  return html`<div class="tiles">
    ${isContest(plan) ? tile(money(score.totalCents), `score, ${share.toFixed(2)} % of the ceiling`) : NOTHING}
    ${tile(`${milliseconds(latency.all.p99Ms)} ms`, step)}
    ${tile(accepted.toLocaleString('en-US'), `accepted of ${(accepted + refused + unknown).toLocaleString('en-US')} sent; ${refused} refused, ${unknown} unknown`, refused + unknown > 0 ? 'warn' : '')}
    ${tile(String(unsettledAtEnd), 'accepted, not settled at the end', unsettledAtEnd > 0 ? 'warn' : '')}
    ${audit.byId ? tile(`${audit.lost.length} / ${audit.twice.length}`, 'lost / charged twice', audited ? 'good' : 'bad') : tile('–', 'ids not audited', 'warn')}
  </div>`;
}

function found({ faults, warnings }: Result): Html {
  if (faults.length + warnings.length === 0) return html`<p class="good">Every check holds.</p>`;
  return html`<ul class="found">
    ${faults.map((fault) => html`<li class="bad"><b>Fault:</b> ${fault}</li>`)}
    ${warnings.map((warning) => html`<li class="warn">${warning}</li>`)}
  </ul>`;
}

/** What has no graph, and why. */
function remarks({ series, verdicts }: Result): Html {
  const isSampled = series.points.length > 0;
  const parts = new Set(series.points.flatMap(({ usage }) => Object.keys(usage)));
  const words = [
    ...(verdicts.refused + verdicts.unknown === 0
      ? ['Every payment that was sent was accepted.']
      : []),
    ...(isSampled ? [] : ['Nothing was sampled, so there is no backlog, CPU or memory.']),
    ...(isSampled && !parts.has('instance 0')
      ? [
          'The parts of the system were not found on this machine, so CPU and memory are of the load alone.',
        ]
      : []),
  ];
  return html`${words.map((text) => html`<p class="soft">${text}</p>`)}`;
}
