// The two simulated processors, which stand outside of all hosts.

import { join } from 'node:path';
import { simulatorPlan } from '../system/kinds.ts';
import type { PartPlan } from '../system/part.ts';
import type { SimulatorSettings } from '../system/settings.ts';
import type { Layout } from './layout.ts';

type Name = SimulatorSettings['name'];

const PROCESSORS: Readonly<Record<Name, SimulatorSettings>> = {
  default: { name: 'default', port: 8001, feePercent: 5 },
  fallback: { name: 'fallback', port: 8002, feePercent: 15 },
};

export const processorUrl = (layout: Layout, name: Name): string =>
  `http://${layout.processorsAddress}:${PROCESSORS[name].port}`;

export const processorPlans = (layout: Layout): readonly PartPlan[] =>
  Object.values(PROCESSORS).map((settings) =>
    simulatorPlan(settings, {
      host: layout.processorsAddress,
      statePath: join(layout.directory, `${settings.name}.state`),
      logPath: join(layout.directory, `processor-${settings.name}.log`),
    }),
  );
