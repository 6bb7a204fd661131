// A run as one page to look at: no script, nothing loaded from anywhere.
import { PROCESSORS, processorName } from '../../src/payment.ts';
import type { Chart, Series } from './chart.ts';
import { chartSvg, escapeText } from './chart.ts';
import type { Latency } from './latency.ts';
import { auditText, milliseconds, money } from './printed.ts';
import type { Result } from './result.ts';
import type { Standing, Totals } from './totals.ts';
import { differs } from './totals.ts';

const STYLE = `
:root{color-scheme:light dark;--ink:#1d2733;--dim:#66727f;--line:#d9dee4;--back:#fff;--stage:#6f7f8f12;
--dead:#d6453d22;--good:#1b7f4b;--bad:#c4372f;--warn:#b86e00;--blue:#2a6fc4}
@media(prefers-color-scheme:dark){:root{--ink:#e4e9ee;--dim:#98a4b0;--line:#38424c;--back:#14191e;
--stage:#9fb0c012;--dead:#e0554d33;--good:#4cc38a;--bad:#f0675f;--warn:#e6a23c;--blue:#62a2ee}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--back);max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.3rem;margin:0}h2{font-size:1rem;margin:2rem 0 .5rem}.dim,.tick,th{color:var(--dim);fill:var(--dim)}
.score{font-size:2.6rem;font-weight:600;line-height:1.2;font-variant-numeric:tabular-nums}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}th{font-weight:400;text-align:left}
td,th{padding:.15rem 1.2rem .15rem 0;border-bottom:1px solid var(--line)}td.n,th.n{text-align:right}
.columns{display:flex;flex-wrap:wrap;gap:0 3rem}figure{margin:1rem 0}svg{width:100%;height:auto;display:block}
.tick{font-size:11px}.grid{stroke:var(--line);fill:none}.stage{fill:var(--stage);stroke:var(--line)}.stage.dead{fill:var(--dead)}
.line{fill:none;stroke-width:1.6}.hover{fill:transparent}.hover:hover{fill:var(--stage)}.key{margin-left:1rem}
.accepted{stroke:var(--blue)}.refused{stroke:var(--warn)}.unknown{stroke:var(--bad)}
.key.accepted{color:var(--blue)}.key.refused{color:var(--warn)}.key.unknown{color:var(--bad)}`;

type Row = readonly (string | number)[];

const cell = (tag: string, value: string | number, column: number): string =>
  `<${tag}${column === 0 ? '' : ' class="n"'}>${escapeText(String(value))}</${tag}>`;

/** The first column is text, the others are numbers. */
function table(head: Row, rows: readonly Row[]): string {
  const line = (tag: string, row: Row): string =>
    `<tr>${row.map((value, column) => cell(tag, value, column)).join('')}</tr>`;
  return `<table>${line('th', head)}${rows.map((row) => line('td', row)).join('')}</table>`;
}

const section = (title: string, body: string): string =>
  `<section><h2>${escapeText(title)}</h2>${body}</section>`;

function headOf({ plan, score, startedAt, ...result }: Result): string {
  const faults = result.faults.map((fault) => `<li class="bad">${escapeText(fault)}</li>`);
  const warnings = result.warnings.map((text) => `<li class="warn">${escapeText(text)}</li>`);
  const share = (100 * score.totalCents) / Math.max(1, result.ceilingCents);
  const length = plan.scale === 1 ? '' : `, at ${plan.scale} of its length`;
  return (
    `<h1>The ${plan.name} test${length} <span class="dim">${startedAt}</span></h1>` +
    `<div class="score ${faults.length === 0 ? 'good' : 'bad'}">${money(score.totalCents)}</div>` +
    `<div class="dim">${share.toFixed(1)} % of the ceiling ${money(result.ceilingCents)} ` +
    `(all on default at p99 1.25 ms; at this run's p99 ${money(result.ceilingAtOwnP99Cents)})</div>` +
    `<ul>${[...faults, ...warnings].join('')}</ul>`
  );
}

function scoreTable({ score, latency, checks }: Result): string {
  const different = checks.filter(({ difference }) => differs(difference)).length;
  return table(
    ['score', '', ''],
    [
      ['amount settled', money(score.amountCents), ''],
      ['fees', `−${money(score.feeCents)}`, ''],
      [
        'bonus',
        `+${money(score.bonusCents)}`,
        `${score.bonusPercent} %, p99 ${milliseconds(latency.all.p99Ms)} ms`,
      ],
      ['fine', `−${money(score.fineCents)}`, `${different} of ${checks.length} checks`],
      ['total', money(score.totalCents), score.disqualified ?? ''],
    ],
  );
}

const latencyRow = (name: string, { count, p50Ms, p90Ms, p99Ms, maxMs }: Latency): Row => [
  name,
  count,
  ...[p50Ms, p90Ms, p99Ms, maxMs].map(milliseconds),
];

function latencyTable({ latency }: Result): string {
  return table(
    ['ms', 'count', 'p50', 'p90', 'p99', 'max'],
    [
      latencyRow('all successful requests', latency.all),
      latencyRow('POST /payments, accepted', latency.payments),
    ],
  );
}

const totalsCells = (totals: Totals | undefined): Row =>
  totals === undefined ? ['–', '–'] : [totals.requests, money(totals.cents)];

const standingRows = (when: string, standing: Standing): Row[] =>
  PROCESSORS.map((processor) => [
    `${processorName(processor)}, ${when}`,
    ...totalsCells(standing.backend?.[processor]),
    ...totalsCells(standing.processors?.[processor]),
  ]);

function standingTable({ atEnd, afterDrain }: Result): string {
  return table(
    ['', 'backend', 'amount', 'processor', 'amount'],
    [...standingRows('at the end', atEnd), ...standingRows('after draining', afterDrain)],
  );
}

function paymentsTable({ verdicts, answers, unsettledAtEnd }: Result): string {
  return table(
    ['payments', ''],
    [
      ...Object.entries(verdicts),
      ['not settled at the end', unsettledAtEnd],
      ...Object.entries(answers).map(([status, count]): Row => [`answer ${status}`, count]),
    ],
  );
}

function checksTable({ checks }: Result): string {
  return table(
    ['check at', 'difference', 'amount', 'backend', 'processors'],
    checks.map(({ atMs, difference, standing }) => [
      `${(Math.max(0, atMs) / 1_000).toFixed(1)} s`,
      ...(difference === null ? ['no answer', ''] : totalsCells(difference)),
      standing.backend?.map(({ requests }) => requests).join(' + ') ?? '–',
      standing.processors?.map(({ requests }) => requests).join(' + ') ?? '–',
    ]),
  );
}

function chartsOf({ seconds, stages }: Result): string {
  const series = (name: 'accepted' | 'refused' | 'unknown'): Series => ({
    name,
    className: name,
    values: seconds.map((second) => second[name]),
  });
  const requests: Chart = {
    title: 'Payments per second',
    scale: 'linear',
    series: (['accepted', 'refused', 'unknown'] as const)
      .map(series)
      .filter(({ name, values }) => name === 'accepted' || values.some((count) => count !== 0)),
    stages,
  };
  const p99Ms = seconds.map((second) => second.p99Ms);
  const latency: Chart = {
    title: 'p99 of the accepted payments in each second, ms',
    scale: 'logarithmic',
    series: [{ name: 'p99', className: 'accepted', values: p99Ms }],
    stages,
  };
  return (
    chartSvg(requests) +
    chartSvg(latency) +
    '<p class="dim">D and F: the delay in ms of the default and the fallback processor; ✗ fails.</p>'
  );
}

function auditList(result: Result): string {
  const { lost, twice, strangers, wrongAmount, books } = result.audit;
  const kinds: (readonly [string, readonly string[]])[] = [
    ['lost', lost],
    ['charged twice', twice],
    ['charged but never accepted', strangers],
    ['with a wrong amount', wrongAmount],
    ['books', books],
  ];
  const found = kinds.filter(([, list]) => list.length > 0);
  const items = found.map(
    ([what, list]) =>
      `<li class="bad">${list.length} ${what}: ${escapeText(list.slice(0, 10).join(', '))}</li>`,
  );
  return `<p>${escapeText(auditText(result))}</p><ul>${items.join('')}</ul>`;
}

export function pageOf(result: Result): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${result.plan.name} ${money(result.score.totalCents)}</title><style>${STYLE}</style></head><body>
${headOf(result)}
<div class="columns">${scoreTable(result)}${paymentsTable(result)}</div>
${section('Over time', chartsOf(result))}
${section('Latency', latencyTable(result))}
${section('Books', standingTable(result))}
${section('Checker', checksTable(result))}
${section('Audit', auditList(result))}
</body></html>
`;
}
