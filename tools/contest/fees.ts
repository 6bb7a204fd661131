// The fees of a test as the variables of our compose files.

import type { Pair } from '../audit/totals.ts';

/** Hundredths of a percent for the instances, percent for the simulated processors. */
export const feeVariables = ([onDefault, onFallback]: Pair<number>) => ({
  FEE_DEFAULT_BPS: String(onDefault),
  FEE_FALLBACK_BPS: String(onFallback),
  SIMULATOR_DEFAULT_FEE_PERCENT: String(onDefault / 100),
  SIMULATOR_FALLBACK_FEE_PERCENT: String(onFallback / 100),
});
