// Joins the questions after the processors' health with the leader's news of it, and tells the
// engine.

import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import type { Engine } from './engine.ts';
import { HealthWatch } from './gateways/health.ts';
import type { Processor } from './gateways/processor.ts';
import { Bulletin } from './ledger/bulletin.ts';

export interface HealthParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly processors: readonly [Processor, Processor];
  readonly engine: Engine;
}

export function watchHealth({ config, clock, processors, engine }: HealthParts): { stop(): void } {
  const bulletin = new Bulletin({
    url: config.DATABASE_URL,
    timeoutMs: config.LEDGER_TIMEOUT_MS,
    clock,
    onNews: (text) => watch.hear(text),
  });
  const watch = new HealthWatch({
    clock,
    processors,
    everyMs: config.HEALTH_EVERY_MS,
    timeoutMs: config.HEALTH_TIMEOUT_MS,
    leadingSinceMs: () => bulletin.leadingSinceMs,
    publish: (text) => bulletin.publish(text),
    onHealth: (processor, told) => engine.hear(processor, told),
  });
  bulletin.start();
  watch.start();
  const stop = (): void => {
    watch.stop();
    // The lead is free for another instance at once, not only at our end.
    void bulletin.close();
  };
  return { stop };
}
