// Routing: both processors' circuit breakers, the choice of a processor for a payment, and how long
// to wait for its answer.

import type { Clock } from '../clock.ts';
import { instanceCount, type Config } from '../config/config.ts';
import { DEFAULT, FALLBACK, otherThan, type ProcessorIndex } from '../payment.ts';
import { eager, thrifty, type Choice, type Prices, type ProcessorView } from './choice.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import type { Health } from './processor.ts';

export class Routing {
  readonly breakers: readonly [CircuitBreaker, CircuitBreaker];
  readonly #config: Config;
  readonly #prices: Prices;
  readonly #reportedFailing: [boolean, boolean] = [false, false];

  constructor(clock: Clock, config: Config) {
    this.#config = config;
    this.#prices = {
      waitBpsPerS: config.WAIT_COST_BPS_PER_S,
      flightBpsPerS: config.FLIGHT_COST_BPS_PER_S,
    };
    const { IN_FLIGHT_MAX, PROBE_EVERY_MS: probeEveryMs } = config;
    // IN_FLIGHT_MAX counts the attempts of all instances.
    const share = Math.floor(IN_FLIGHT_MAX / instanceCount(config));
    const breaker = (feeBps: number, connections: number): CircuitBreaker =>
      new CircuitBreaker(clock, {
        feeBps,
        inFlightMax: Math.min(share, connections),
        probeEveryMs,
      });
    this.breakers = [
      breaker(config.FEE_DEFAULT_BPS, config.POOL_DEFAULT),
      breaker(config.FEE_FALLBACK_BPS, config.POOL_FALLBACK),
    ];
  }

  get inFlight(): number {
    return this.breakers[0].inFlight + this.breakers[1].inFlight;
  }

  /**
   * For a payment that was declined `declines` times; `backlog` payments wait, this one included.
   */
  choose(declines: number, backlog: number): Choice {
    const views = [this.breakers[0].view(), this.breakers[1].view()] as const;
    const { POLICY, RETRIES } = this.#config;
    if (POLICY === 'eager') return eager(views, RETRIES, declines);
    return thrifty(views, this.#prices, backlog);
  }

  /**
   * For a payment that is set aside, after `declines` attempts. A payment that one processor keeps
   * refusing is offered to the other one, whatever it costs. It is used as a probe only while no
   * other payment waits (`backlog` 0).
   */
  chooseForSetAside(declines: number, backlog: number): Choice {
    const views = [this.breakers[0].view(), this.breakers[1].view()] as const;
    const next = declines % 2 === 0 ? FALLBACK : DEFAULT;
    const other = otherThan(next);
    if (hasRoom(views[next])) return next;
    if (hasRoom(views[other])) return other;
    if (backlog > 0) return 'wait';
    return this.#config.POLICY === 'eager' ? next : thrifty(views, this.#prices, 1);
  }

  /**
   * How long to wait for an answer. The thrifty policy waits long enough for a slow processor,
   * since each time-out costs a reconciliation. It avoids a slow processor long before a time-out,
   * by the age of the attempts under way.
   */
  timeoutMs(processor: ProcessorIndex): number {
    const { POLICY, TIMEOUT_DEFAULT_MS, TIMEOUT_FALLBACK_MS, TIMEOUT_SLACK_MS, TIMEOUT_MAX_MS } =
      this.#config;
    const leastMs = processor === DEFAULT ? TIMEOUT_DEFAULT_MS : TIMEOUT_FALLBACK_MS;
    if (POLICY === 'eager') return leastMs;
    const usualMs = 2 * this.breakers[processor].minResponseTimeMs + TIMEOUT_SLACK_MS;
    return Math.min(TIMEOUT_MAX_MS, Math.max(leastMs, usualMs));
  }

  /** Takes a health report. Returns true if the processor reported failing before and now works. */
  reported(processor: ProcessorIndex, { failing, minResponseTimeMs }: Health): boolean {
    this.breakers[processor].reported(failing, minResponseTimeMs);
    const isBack = this.#reportedFailing[processor] && !failing;
    this.#reportedFailing[processor] = failing;
    return isBack;
  }
}

function hasRoom({ failingForMs, inFlight, inFlightMax }: ProcessorView): boolean {
  return failingForMs === undefined && inFlight < inFlightMax;
}
