// The stages of a test beneath a graph: a row for each processor, and a shade where one fails.

import { PROCESSORS, processorName } from '../../../src/payment.ts';
import type { Lever } from '../../audit/endpoints.ts';
import type { Stage } from '../plan.ts';
import type { Graph } from '../../page/graph.ts';
import { html, NOTHING, type Html } from '../../page/html.ts';

interface Span {
  readonly left: number;
  readonly width: number;
  readonly stage: Stage;
}

/** From 0 to 1 of the test's length. */
function spansOf(stages: readonly Stage[], untilMs: number): Span[] {
  return stages.map((stage, index) => {
    const endMs = stages[index + 1]?.atMs ?? untilMs;
    const left = Math.min(1, Math.max(0, stage.atMs / untilMs));
    return { left, width: Math.max(0, Math.min(1, endMs / untilMs) - left), stage };
  });
}

const kindOf = ({ failing, delayMs }: Lever): string => {
  if (failing) return 'fails';
  return delayMs >= 100 ? 'slow' : 'ok';
};

/** "0", "100", "2 s", "✗ 2 s". */
function shortText({ failing, delayMs }: Lever): string {
  const delay = delayMs >= 1_000 ? `${delayMs / 1_000}s` : String(delayMs);
  return failing ? `✗${delayMs === 0 ? '' : delay}` : delay;
}

const longText = ({ failing, delayMs }: Lever): string =>
  `answers after ${delayMs} ms${failing ? ', and fails' : ''}`;

function stageRows(stages: readonly Stage[], untilMs: number): Html {
  if (stages.length === 0) return NOTHING;
  const spans = spansOf(stages, untilMs);
  const rows = PROCESSORS.map((processor) => {
    const cells = spans.map(({ left, width, stage }) => {
      const lever = stage.levers[processor];
      const title = `${processorName(processor)} from ${Math.round(stage.atMs / 1_000)} s: ${longText(lever)}`;
      return html`<span
        class="${kindOf(lever)}"
        style="left:${(100 * left).toFixed(2)}%;width:${(100 * width).toFixed(2)}%"
        title="${title}"
        >${shortText(lever)}</span
      >`;
    });
    return html`<div class="rowname">${processorName(processor)}</div>
      <div class="row">${cells}</div>`;
  });
  return html`${rows}`;
}

/** Darker where both fail. */
function stageShades(stages: readonly Stage[], untilMs: number): Html[] {
  return spansOf(stages, untilMs).flatMap(({ left, width, stage }) =>
    stage.levers
      .filter(({ failing }) => failing)
      .map(
        () =>
          html`<rect
            class="shade"
            x="${(1_000 * left).toFixed(1)}"
            y="0"
            width="${(1_000 * width).toFixed(1)}"
            height="1000"
          />`,
      ),
  );
}

export const STAGES_ABOUT =
  'The rows beneath show each processor: the delay of its answers in ms (or s); ✗ and red where ' +
  'it fails.';

/** For a graph. */
export function stagesOf(stages: readonly Stage[], untilMs: number): NonNullable<Graph['stages']> {
  return { shades: stageShades(stages, untilMs), rows: stageRows(stages, untilMs) };
}
