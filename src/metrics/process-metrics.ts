// The metrics of the process: event loop, garbage collection, CPU and memory.

import type { SendingRate } from '../consumers/sending-rate.ts';
import { counter, gauge, one, type Family } from './exposition.ts';
import { GarbageCollection } from './garbage-collection.ts';
import type { LoopDelay } from './loop-delay.ts';

export class ProcessMetrics {
  readonly #loop: LoopDelay;
  readonly #sendingRate: SendingRate;
  readonly #garbage = new GarbageCollection();

  constructor(loop: LoopDelay, sendingRate: SendingRate) {
    this.#sendingRate = sendingRate;
    this.#loop = loop;
  }

  families(): Family[] {
    const delays = [50, 99, 100].map((percentile) => ({
      labels: { percentile: String(percentile) },
      value: this.#loop.percentileMs(percentile) / 1_000,
    }));
    this.#loop.renew();
    const kinds = [...this.#garbage.byKind];
    const cpu = process.cpuUsage();
    return [
      gauge(
        'event_loop_delay_seconds',
        'Delay of the event loop in the last minute or two.',
        delays,
      ),
      counter(
        'garbage_collections',
        'Garbage collections, by kind.',
        kinds.map(([kind, { count }]) => ({ labels: { kind }, value: count })),
      ),
      counter(
        'garbage_collection_seconds',
        'Time spent in garbage collections, by kind.',
        kinds.map(([kind, { durationMs }]) => ({ labels: { kind }, value: durationMs / 1_000 })),
      ),
      gauge(
        'cpu_share',
        'CPU used in the last second, of what this instance may use.',
        one(this.#sendingRate.cpuShare),
      ),
      {
        name: 'process_cpu_seconds_total',
        help: 'CPU time of the process.',
        type: 'counter',
        samples: one((cpu.user + cpu.system) / 1_000_000),
      },
      {
        name: 'process_resident_memory_bytes',
        help: 'Memory of the process.',
        type: 'gauge',
        samples: one(process.memoryUsage.rss()),
      },
    ];
  }
}
