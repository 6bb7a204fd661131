// Routing: what is known of both processors, turned into where a payment goes and how long its answer may take.

import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import { DEFAULT, FALLBACK, type ProcessorIndex } from '../payment.ts';
import { eager, thrifty, type Choice, type Prices } from './choice.ts';
import { Lane, type LaneView } from './lane.ts';
import type { Health } from './processor.ts';

export class Routing {
  readonly lanes: readonly [Lane, Lane];
  readonly #config: Config;
  readonly #prices: Prices;
  readonly #saidFailing: [boolean, boolean] = [false, false];

  constructor(clock: Clock, config: Config) {
    this.#config = config;
    this.#prices = {
      waitBpsPerS: config.WAIT_COST_BPS_PER_S,
      flightBpsPerS: config.FLIGHT_COST_BPS_PER_S,
    };
    const { IN_FLIGHT_MAX, PEER_SOCKET_PATHS, PROBE_EVERY_MS: probeEveryMs } = config;
    // The processors' limit counts all callers.
    const share = Math.floor(IN_FLIGHT_MAX / PEER_SOCKET_PATHS.length);
    const lane = (feeBps: number, connections: number): Lane =>
      new Lane(clock, { feeBps, inFlightMax: Math.min(share, connections), probeEveryMs });
    this.lanes = [
      lane(config.FEE_DEFAULT_BPS, config.POOL_DEFAULT),
      lane(config.FEE_FALLBACK_BPS, config.POOL_FALLBACK),
    ];
  }

  get inFlight(): number {
    return this.lanes[0].inFlight + this.lanes[1].inFlight;
  }

  /** For a payment that was declined `declines` times, one of `backlog` that wait. */
  choose(declines: number, backlog: number): Choice {
    const views = [this.lanes[0].view(), this.lanes[1].view()] as const;
    const { POLICY, RETRIES } = this.#config;
    if (POLICY === 'eager') return eager(views, RETRIES, declines);
    return thrifty(views, this.#prices, backlog);
  }

  /**
   * For a payment that is set aside, after `declines` attempts. A payment that one processor keeps
   * refusing is offered to the other one, whatever it costs. It is a probe only while no other
   * payment waits.
   */
  chooseForSetAside(declines: number, backlog: number): Choice {
    const views = [this.lanes[0].view(), this.lanes[1].view()] as const;
    const next = declines % 2 === 0 ? FALLBACK : DEFAULT;
    const other = next === FALLBACK ? DEFAULT : FALLBACK;
    if (takesOne(views[next])) return next;
    if (takesOne(views[other])) return other;
    if (backlog > 0) return 'wait';
    return this.#config.POLICY === 'eager' ? next : thrifty(views, this.#prices, 1);
  }

  /**
   * How long to wait for an answer. Under thrifty long enough that a slow processor isn't taken for a lost one, which would cost a
   * reconciliation; who gets slow is avoided long before that, by the age of what is under way.
   */
  timeoutMs(processor: ProcessorIndex): number {
    const { POLICY, TIMEOUT_DEFAULT_MS, TIMEOUT_FALLBACK_MS, TIMEOUT_SLACK_MS, TIMEOUT_MAX_MS } =
      this.#config;
    const leastMs = processor === DEFAULT ? TIMEOUT_DEFAULT_MS : TIMEOUT_FALLBACK_MS;
    if (POLICY === 'eager') return leastMs;
    const usualMs = 2 * this.lanes[processor].minResponseTimeMs + TIMEOUT_SLACK_MS;
    return Math.min(TIMEOUT_MAX_MS, Math.max(leastMs, usualMs));
  }

  /** What the processor says of itself; true when it says that it works again. */
  hear(processor: ProcessorIndex, { failing, minResponseTimeMs }: Health): boolean {
    this.lanes[processor].reported(failing, minResponseTimeMs);
    const isBack = this.#saidFailing[processor] && !failing;
    this.#saidFailing[processor] = failing;
    return isBack;
  }
}

function takesOne({ failingForMs, inFlight, inFlightMax }: LaneView): boolean {
  return failingForMs === undefined && inFlight < inFlightMax;
}
