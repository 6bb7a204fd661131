// The submission's compose file in Docker.

import * as composition from '../../tools/compose/composition.ts';
import { endpoints, msUntil, PORT, summaryAnswers } from '../../tools/compose/running.ts';
import type { Stage } from './stage.ts';

const START_MS_MAX = 60_000;
const MORE_MEMORY = 'bench/sustained/compose.yml';

/** `files` change the submission; their paths are relative to the root of the project. */
export async function openContainers(files: readonly string[]): Promise<Stage> {
  await composition.buildImages();
  await composition.down();
  composition.arrange({ files: [MORE_MEMORY, ...files], environment: {} });
  await composition.up();
  await msUntil('the backend answers', START_MS_MAX, summaryAnswers);
  return {
    name: 'in containers',
    to: { host: await composition.addressOf('nginx'), port: PORT },
    endpoints,
    containers: await composition.containers(),
    openLedger: () => composition.openLedger(),
    usage: () => composition.usageByService(),
    processorsCpuMs: async () => {
      const used = await composition.usageOfProcessors();
      return [...used.values()].reduce((sum, { cpuMs }) => sum + cpuMs, 0);
    },
    close: () => composition.down(),
  };
}
