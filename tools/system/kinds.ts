// What all parts of a kind have in common, in `npm start` and in `npm run cluster`: the program,
// how it shows that it works, and how it is ended.

import { fileURLToPath } from 'node:url';
import { answers } from './ask.ts';
import { prepareNginx, type Front } from './nginx.ts';
import type { PartPlan } from './part.ts';
import type { SimulatorSettings } from './settings.ts';

const SIMULATOR = new URL('../simulator.js', import.meta.url);
const INSTANCE = new URL('../../src/main.js', import.meta.url);

const node = (script: URL, ...words: readonly string[]): readonly string[] => [
  process.execPath,
  '--enable-source-maps',
  fileURLToPath(script),
  ...words,
];

export interface SimulatorPlace {
  readonly host: string;
  readonly statePath: string;
  readonly logPath: string;
}

export function simulatorPlan(
  { name, port, feePercent }: SimulatorSettings,
  { host, statePath, logPath }: SimulatorPlace,
): PartPlan {
  const words = ['--name', name, '--host', host, '--port', `${port}`, '--fee', `${feePercent}`];
  return {
    name: `${name} processor`,
    command: node(SIMULATOR, ...words, '--state', statePath),
    logPath,
    isUp: () => answers(`http://${host}:${port}`),
    stopSignal: 'SIGTERM',
    stopWithinMs: 5_000,
    hastySignal: 'SIGKILL',
    deathSignal: 'SIGTERM',
  };
}

type InstancePart = Pick<PartPlan, 'name' | 'logPath' | 'isUp'> &
  Required<Pick<PartPlan, 'environment'>>;

export const instancePlan = (part: InstancePart): PartPlan => ({
  ...part,
  command: node(INSTANCE),
  stopSignal: 'SIGTERM',
  // An instance has its own bound for draining (DRAIN_MS, 10 s by default).
  stopWithinMs: Number(process.env['DRAIN_MS'] || 10_000) + 5_000,
  hastySignal: 'SIGKILL',
  // When this process is killed all parts end at once: draining would find no processor. The
  // journal keeps the payments.
  deathSignal: 'SIGKILL',
});

export interface NginxPlace {
  /** For its configuration and what it writes. */
  readonly directory: string;
  readonly logPath: string;
}

/** `front.listen` has an address and a port. */
export const nginxPlan = async (
  front: Front,
  { directory, logPath }: NginxPlace,
): Promise<PartPlan> => ({
  name: 'nginx',
  command: await prepareNginx(directory, front),
  logPath,
  isUp: () => answers(`http://${front.listen}`),
  // Finishes the open requests; SIGTERM doesn't.
  stopSignal: 'SIGQUIT',
  stopWithinMs: 5_000,
  hastySignal: 'SIGTERM',
  deathSignal: 'SIGTERM',
});
