// The tables of a report: score and losses, comparisons, audit, surroundings.

import { PROCESSORS, processorName } from '../../../src/payment.ts';
import { faultsOf } from '../../audit/audit.ts';
import { differs, type Pair, type Totals } from '../../audit/totals.ts';
import { auditText, bonusText, driftText, milliseconds, money, TOO_SHORT } from '../printed.ts';
import { isContest } from '../plan.ts';
import type { Result } from '../result.ts';
import { disturbedText } from './graphs.ts';
import { html, NOTHING, table, type Html } from '../../page/html.ts';

const percent = (part: number, of: number): string =>
  of === 0 ? '–' : `${((100 * part) / of).toFixed(2)} %`;

/** "−12.30"; a gain is "+12.30". */
function loss(cents: number): string {
  if (cents === 0) return money(0);
  return cents < 0 ? `+${money(-cents)}` : `−${money(cents)}`;
}

export function scoreSection(result: Result): Html {
  const { score, plan, losses, ceilingCents, bonus, verdicts, atEnd } = result;
  if (!isContest(plan)) return NOTHING;
  const settled = atEnd[plan.moneyFrom];
  const fees = PROCESSORS.map((each) => `${plan.feeBps[each] / 100} %`);
  const parts = table(
    ['part', 'amount', 'how'],
    [
      [
        'settled',
        money(score.amountCents),
        settled === null
          ? 'nothing could be read'
          : PROCESSORS.map((each) => `${settled[each].requests} at ${processorName(each)}`).join(
              ', ',
            ),
      ],
      ['fees', loss(score.feeCents), `${fees[0]} at default, ${fees[1]} at fallback`],
      ['liquid', money(score.liquidCents), 'settled less fees'],
      ['bonus', money(score.bonusCents), bonusText(result)],
      [
        'fine',
        loss(score.fineCents),
        score.fineCents === 0
          ? 'no difference was seen'
          : '35 % of liquid: a comparison saw a difference',
      ],
      [
        html`<b>score</b>`,
        html`<b>${money(score.totalCents)}</b>`,
        score.disqualified === null
          ? `${percent(score.totalCents, ceilingCents)} of the ceiling`
          : `disqualified: ${score.disqualified}`,
      ],
    ],
  );
  const lost = table(
    ['lost to', 'amount', 'of the ceiling'],
    [
      ['the ceiling: all accepted payments at default, p99 1.25 ms', money(ceilingCents), ''],
      ...losses.map(({ what, cents }) => [what, loss(cents), percent(cents, ceilingCents)]),
      [html`<b>score</b>`, html`<b>${money(score.totalCents)}</b>`, ''],
    ],
  );
  const { worse } = bonus;
  const slower =
    worse === null
      ? ''
      : `Above ${worse.p99Ms.toFixed(2)} ms it would be ${worse.percent} %: ${money(score.totalCents - worse.scoreCents)} less. `;
  const refused = verdicts.refused + verdicts.unknown;
  const never =
    refused === 0
      ? ''
      : `${refused} payments were sent and not accepted; they are not part of the ceiling. `;
  return html`<h2>Score</h2>
    <div class="numbers3">${parts}</div>
    <p class="note">
      The bonus is a staircase: (11 − p99 in ms) × 2 %, rounded to whole percent. ${slower}The p99
      is k6's, over all successful requests.
    </p>
    <h2>What was lost where</h2>
    ${lost}
    <p class="note">
      ${never}Each line takes one thing away, in this order, so that the lines add up.
    </p>`;
}

const totalsText = ({ requests, cents }: Totals): string => `${requests} (${money(cents)})`;

export function checksSection({ checks }: Result): Html {
  const rows = checks.map(({ atMs, standing, difference }) => {
    const { backend, processors } = standing;
    const cells = PROCESSORS.flatMap((each) => [
      backend === null ? 'no answer' : totalsText(backend[each]),
      processors === null ? 'no answer' : totalsText(processors[each]),
    ]);
    const verdict =
      difference === null
        ? html`<span class="warn">not compared</span>`
        : differs(difference)
          ? html`<span class="bad">${totalsText(difference)}</span>`
          : html`<span class="good">none</span>`;
    return [`${Math.max(0, atMs / 1_000).toFixed(0)}\u{a0}s`, verdict, ...cells];
  });
  const head = [
    'at',
    'difference',
    'default: backend',
    'processor',
    'fallback: backend',
    'processor',
  ];
  return html`<h2>Comparisons</h2>
    <p class="note">
      While the test runs, a checker compares the backend's summary with the processors' own, over
      the payments of a window of some seconds that ended shortly before. One difference costs the
      contest's fine.
    </p>
    ${table(head, rows)}`;
}

function bothText(totals: Pair<Totals> | null): string {
  if (totals === null) return 'could not be read';
  return PROCESSORS.map(
    (each) => `${processorName(each)} ${totals[each].requests} of ${money(totals[each].cents)}`,
  ).join(', ');
}

export function auditSection(result: Result): Html {
  const { audit, afterDrain, verdicts } = result;
  const ids = [
    ['accepted, at no processor (lost)', audit.lost],
    ['charged more than once', audit.twice],
    ['charged, and never accepted', audit.strangers],
    ['with a wrong amount', audit.wrongAmount],
    ['charged, though their sender had no answer that says so', audit.unknownCharged],
  ] as const;
  const state = faultsOf(audit).length > 0 ? 'bad' : audit.byId ? 'good' : 'warn';
  const rows = ids.map(([what, list]) => [
    what,
    audit.byId ? String(list.length) : 'not audited',
    list.slice(0, 5).join(', '),
  ]);
  return html`<h2>Audit</h2>
    <p class="${state}">${auditText(result)}</p>
    ${table(['payments', 'how many', 'the first ids'], rows)}
    <p class="note">
      After the load every accepted id (${verdicts.accepted}) is looked for at both processors. The
      backend says: ${bothText(afterDrain.backend)}. The processors say:
      ${bothText(afterDrain.processors)}.
    </p>`;
}

const list = (lines: readonly Html[]): Html =>
  html`<ul class="found">
    ${lines}
  </ul>`;

export function driftSection({ drifts, plan, disturbed }: Result): Html {
  const drift =
    plan.name !== 'soak'
      ? NOTHING
      : html`<h2>Drift</h2>
          ${drifts.length === 0 ? html`<p class="soft">${TOO_SHORT}</p>` : list(drifts.map((each) => html`<li class="${each.isDrift ? 'bad' : ''}">${driftText(each)}</li>`))}
          <p class="note">
            The first third after a warm-up of a tenth is compared with the last third. A median of
            the last third that is more than a tenth above everything in the first third is a drift;
            less is noise.
          </p>`;
  const hits =
    disturbed.length === 0
      ? NOTHING
      : html`<h2>What was done to the parts</h2>
          ${list(disturbed.map((each) => html`<li>${disturbedText(each)}${each.processes === 0 ? ' (it was down already)' : ''}</li>`))}`;
  return html`${drift}${hits}`;
}

export function aboutSection(result: Result): Html {
  const { surroundings: around, plan, addresses, latency } = result;
  const settings = around.settings;
  const differing =
    settings === null
      ? 'could not be read: the instances are not those of an npm start on this machine'
      : Object.entries(settings)
          .map(([name, value]) => `${name}=${value}`)
          .join(', ') || 'none';
  const { all, payments } = latency;
  const rows: (readonly [string, string])[] = [
    ['run', `${result.name}, began ${result.startedAt}`],
    [
      'test',
      `${plan.name}, ${plan.durationMs / 1_000} s${plan.scale === 1 ? '' : ` (scale ${plan.scale})`}`,
    ],
    ['system', `${addresses.backend}; processors ${addresses.processors.join(', ')}`],
    ['commit', `${around.commit}${around.isDirty ? ', with changes that are not committed' : ''}`],
    [
      'settings',
      `${differing}${settings === null ? '' : ' (where they differ from the defaults)'}`,
    ],
    ['versions', `Node.js ${around.node}, k6 ${around.k6}`],
    [
      'machine',
      `${around.cpu}, ${around.cores} cores, ${(around.memoryBytes / 2 ** 30).toFixed(1)} GiB; ${around.system}, Linux ${around.kernel}`,
    ],
    ['load before', `${around.loadAverage.toFixed(2)} processes in the minute before the run`],
    [
      'all requests',
      `${all.count}: p50 ${milliseconds(all.p50Ms)}, p90 ${milliseconds(all.p90Ms)}, p99 ${milliseconds(all.p99Ms)}, max ${milliseconds(all.maxMs)} ms`,
    ],
    [
      'payments',
      `${payments.count}: p50 ${milliseconds(payments.p50Ms)}, p90 ${milliseconds(payments.p90Ms)}, p99 ${milliseconds(payments.p99Ms)}, max ${milliseconds(payments.maxMs)} ms`,
    ],
  ];
  return html`<h2>About this run</h2>
    ${table(['what', ''], rows)}
    <p class="note">
      Points over time come from the lines that the k6 script writes for each payment anyway, and
      from one request a second to each processor's summary. The backend is not asked: its summary
      makes all instances write out what they hold. CPU and memory are read from /proc. One run has
      noise: compare several.
    </p>`;
}
