// Asks the processors for their health and reports each answer to the engine. Only the leader asks;
// its reports reach every instance through the leader election.
//
// A processor grants one health call per 5 s over all callers, and holds an earlier call back until
// then. So HEALTH_TIMEOUT_MS is more than 5 s, and a new leader first waits HEALTH_EVERY_MS.

import { sleep, type Clock } from './clock.ts';
import type { Config } from './config/config.ts';
import type { Engine } from './engine.ts';
import type { Processor } from './gateways/processor.ts';
import type { LeaderElection } from './ledger/leader-election.ts';
import { PROCESSORS, processorName, type ProcessorIndex } from './payment.ts';

export interface HealthMonitorParts {
  readonly config: Pick<Config, 'HEALTH_EVERY_MS' | 'HEALTH_TIMEOUT_MS'>;
  readonly clock: Clock;
  readonly processors: readonly [Processor, Processor];
  readonly election: Pick<LeaderElection, 'leadingSinceMs' | 'start' | 'publish' | 'close'>;
  readonly engine: Pick<Engine, 'reported'>;
}

export class HealthMonitor {
  readonly #parts: HealthMonitorParts;
  #stopped = false;

  constructor(parts: HealthMonitorParts) {
    this.#parts = parts;
  }

  /** Starts the leader election too. */
  start(): void {
    this.#parts.election.start((report) => this.#receive(report));
    for (const processor of PROCESSORS) void this.#ask(processor);
  }

  /** Stops leading too, so that another instance can lead before this process ends. */
  stop(): void {
    this.#stopped = true;
    void this.#parts.election.close();
  }

  /** Gives a leader's report to the engine. Ignores a text that isn't a report. */
  #receive(report: string): void {
    const [name, state, minResponseTimeMs] = report.split(' ');
    const processor = PROCESSORS.find((candidate) => processorName(candidate) === name);
    if (processor === undefined || !/^\d+(\.\d+)?$/.test(minResponseTimeMs ?? '')) return;
    const health = { failing: state === 'failing', minResponseTimeMs: Number(minResponseTimeMs) };
    this.#parts.engine.reported(processor, health);
  }

  async #ask(processor: ProcessorIndex): Promise<void> {
    const { config, clock, processors, election } = this.#parts;
    while (!this.#stopped) {
      await sleep(clock, config.HEALTH_EVERY_MS);
      const sinceMs = election.leadingSinceMs;
      const mayAsk = sinceMs !== undefined && clock.elapsed() - sinceMs >= config.HEALTH_EVERY_MS;
      if (this.#stopped || !mayAsk) continue;
      const health = await processors[processor].health(config.HEALTH_TIMEOUT_MS);
      if (health === undefined) continue;
      const state = health.failing ? 'failing' : 'working';
      election.publish(`${processorName(processor)} ${state} ${health.minResponseTimeMs}`);
    }
  }
}
