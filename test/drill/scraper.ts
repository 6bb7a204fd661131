// Scrapes the metrics of all instances once a second, as Prometheus does, and keeps the samples
// that the alert rules ask for. `promtool test rules` then says which alerts they fire.

import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../world/client.ts';
import { testRules } from './promtool.ts';

export interface Target {
  /** The label `instance`. */
  readonly instance: string;
  /** Of its admin server. */
  readonly client: Client;
}

interface Sample {
  readonly tick: number;
  /** 'stale': the scrape before had it, this one hasn't. */
  readonly value: string;
}

/** Often enough to tell after how many seconds a fault was in the metrics. */
const EVERY_MS = 1_000;
const RULES = resolve('monitoring/alerts.yml');
const LINE = /^(\w+)(?:\{(.*)\})? (\S+)$/gm;

/** `up` and the metrics that the rules name. */
const asked = new Set(readFileSync(RULES, 'utf8').match(/\b(?:up|repasse_\w+)\b/g) ?? []);

export class Scraper {
  /** The latest answer of each instance, by its name; '' if none came. */
  readonly latest = new Map<string, string>();
  readonly #targets: readonly Target[];
  readonly #promtool: string;
  readonly #file: string;
  /** By name and labels. */
  #series = new Map<string, Sample[]>();
  #beganMs = performance.now();
  #running: Promise<void> | undefined;
  #stopping = false;

  /** `directory` is for the files that `promtool` reads. */
  constructor(targets: readonly Target[], promtool: string, directory: string) {
    this.#targets = targets;
    this.#promtool = promtool;
    this.#file = `${directory}/drill.test.yml`;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  /** Forgets the samples so far. */
  beginAnew(): void {
    this.#series = new Map();
    this.#beganMs = performance.now();
  }

  /** What is wrong if at this moment other alerts fire than none. */
  async firesNothing(): Promise<string | undefined> {
    return this.#expect(`ALERTS{alertstate="firing"}`, []);
  }

  /** What is wrong unless this alert fires at this moment, for one instance or more. */
  async fires(alert: string): Promise<string | undefined> {
    const firing = `count(ALERTS{alertname="${alert}",alertstate="firing"}) > bool 0`;
    return this.#expect(firing, [{ labels: '{}', value: 1 }]);
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      await Promise.all(this.#targets.map((target) => this.#scrape(target)));
      await sleep(EVERY_MS - ((performance.now() - this.#beganMs) % EVERY_MS));
    }
  }

  get #tick(): number {
    return Math.floor((performance.now() - this.#beganMs) / EVERY_MS);
  }

  async #scrape({ instance, client }: Target): Promise<void> {
    const tick = this.#tick;
    const series = this.#series;
    const own = `instance="${instance}",job="repasse"`;
    const { status, body } = await client
      .send('GET', '/metrics', { timeoutMs: EVERY_MS })
      .catch(() => ({ status: 0, body: '' }));
    const text = status === 200 ? body : '';
    this.latest.set(instance, text);
    const found = new Map([[`up{${own}}`, text === '' ? '0' : '1']]);
    for (const [, name = '', labels, value = ''] of text.matchAll(LINE)) {
      if (!asked.has(name)) continue;
      found.set(`${name}{${labels === undefined ? own : `${own},${labels}`}}`, value);
    }
    for (const [name, samples] of series) {
      const isGone = name.includes(own) && !found.has(name);
      if (isGone && samples.at(-1)?.value !== 'stale') samples.push({ tick, value: 'stale' });
    }
    for (const [name, value] of found) {
      const samples = series.get(name) ?? [];
      if (samples.at(-1)?.tick !== tick) samples.push({ tick, value });
      series.set(name, samples);
    }
  }

  /** Runs promtool over the samples so far, with what the expression gives at the last of them. */
  async #expect(
    expression: string,
    samples: readonly { readonly labels: string; readonly value: number }[],
  ): Promise<string | undefined> {
    const series = [...this.#series].map(([name, scraped]) => ({
      series: name,
      values: valuesOf(scraped),
    }));
    const ticks = [...this.#series.values()].map((scraped) => scraped.at(-1)?.tick ?? 0);
    const last = `${Math.max(0, ...ticks)}s`;
    const expected = { expr: expression, eval_time: last, exp_samples: samples };
    const rules = {
      rule_files: [RULES],
      evaluation_interval: '1s',
      tests: [{ interval: '1s', input_series: series, promql_expr_test: [expected] }],
    };
    // JSON is YAML too.
    writeFileSync(this.#file, JSON.stringify(rules));
    return testRules(this.#promtool, this.#file);
  }
}

/** In promtool's notation, from the first tick on: `_` is no sample. */
function valuesOf(samples: readonly Sample[]): string {
  const byTick = new Map(samples.map(({ tick, value }) => [tick, value]));
  const length = (samples.at(-1)?.tick ?? -1) + 1;
  return Array.from({ length }, (_, tick) => byTick.get(tick) ?? '_').join(' ');
}
