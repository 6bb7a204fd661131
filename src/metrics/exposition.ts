// Prometheus' text format, version 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/).

import type { Histogram } from '../histogram.ts';

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly samples: readonly Sample[];
}

export interface HistogramFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'histogram';
  readonly histograms: readonly { readonly labels?: Labels; readonly histogram: Histogram }[];
}

export const gauge = (name: string, help: string, samples: readonly Sample[]): Family => {
  return { name: `repasse_${name}`, help, type: 'gauge', samples };
};
export const counter = (name: string, help: string, samples: readonly Sample[]): Family => {
  return { name: `repasse_${name}_total`, help, type: 'counter', samples };
};
export const histogram = (
  name: string,
  help: string,
  histograms: HistogramFamily['histograms'],
): HistogramFamily => {
  return { name: `repasse_${name}`, help, type: 'histogram', histograms };
};
export const one = (value: number): Sample[] => [{ value }];

export function exposition(families: readonly (Family | HistogramFamily)[]): string {
  let text = '';
  for (const family of families) {
    text += `# HELP ${family.name} ${family.help}\n# TYPE ${family.name} ${family.type}\n`;
    if (family.type === 'histogram') {
      for (const each of family.histograms) {
        text += linesOf(family.name, each.labels ?? {}, each.histogram);
      }
    } else {
      for (const { labels, value } of family.samples) text += line(family.name, labels, value);
    }
  }
  return text;
}

function linesOf(name: string, labels: Labels, { bounds, counts, sum }: Histogram): string {
  let [text, count] = ['', 0];
  for (const [bucket, bound] of [...bounds, '+Inf'].entries()) {
    count += counts[bucket] as number;
    text += line(`${name}_bucket`, { ...labels, le: String(bound) }, count);
  }
  return text + line(`${name}_sum`, labels, sum) + line(`${name}_count`, labels, count);
}

function line(name: string, labels: Labels = {}, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`;
}

const escaped = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
