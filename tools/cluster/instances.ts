// The instances of a host, and the nginx before them.

import { ask } from '../system/ask.ts';
import { instancePlan, nginxPlan } from '../system/kinds.ts';
import type { PartPlan } from '../system/part.ts';
import { DATABASE, INSTANCE_ROLE, PORTS, type Layout } from './layout.ts';
import { processorUrl } from './processors.ts';

/** As an instance of the cluster logs in, at this address. */
export const databaseUrl = (layout: Layout, address: string): string =>
  `postgres://${INSTANCE_ROLE}:${layout.secrets.instance}@${address}/${DATABASE}`;

/** Of an instance's admin server, for all who have the token. */
export const adminAddress = (layout: Layout, host: number, instance: number): string =>
  `${layout.address(host)}:${PORTS.admin + instance}`;

export function clusterInstancePlan(layout: Layout, host: number, instance: number): PartPlan {
  const admin = layout.adminSocket(host, instance);
  const { secrets, settings } = layout;
  return instancePlan({
    name: `instance ${instance} of ${layout.name(host)}`,
    environment: {
      JOURNAL: 'table',
      SHARDS: String(settings.shards),
      SHARD: 'auto',
      SOCKET_PATH: layout.instanceSocket(host, instance),
      PEER_LISTEN: `${layout.address(host)}:${PORTS.peers + instance}`,
      PEER_SECRET: secrets.peers,
      // A database without a synchronous standby is refused.
      LEDGER_DURABILITY: 'require',
      DATABASE_URL: databaseUrl(layout, `127.0.0.1:${PORTS.database}`),
      PROCESSOR_DEFAULT_URL: processorUrl(layout, 'default'),
      PROCESSOR_FALLBACK_URL: processorUrl(layout, 'fallback'),
      // Our simulators answer 500 before anything is stored.
      OUTCOMES_DEFAULT: process.env['OUTCOMES_DEFAULT'] || 'contest',
      OUTCOMES_FALLBACK: process.env['OUTCOMES_FALLBACK'] || 'contest',
      ALLOW_PURGE: process.env['ALLOW_PURGE'] || '1',
      ADMIN_LISTEN: `${admin},${adminAddress(layout, host, instance)}`,
      ADMIN_TOKEN: secrets.admin,
    },
    logPath: layout.logPath(host, `instance-${instance}`),
    // A spare waits for a shard and is up.
    isUp: async () => (await ask(admin, '/live')).status === 200,
  });
}

/**
 * This host's instances are asked first. One that has no shard doesn't listen; where none has, the
 * other hosts' nginx is asked.
 */
export function clusterNginxPlan(layout: Layout, host: number): Promise<PartPlan> {
  const own = `${layout.address(host)}:${PORTS.forOthers}`;
  const addresses = layout.everywhere(PORTS.forOthers).filter((address) => address !== own);
  const front = {
    listen: `${layout.address(host)}:${layout.settings.port}`,
    socketPaths: layout.instances.map((instance) => layout.instanceSocket(host, instance)),
    others: { listen: own, addresses },
  };
  return nginxPlan(front, {
    directory: layout.file(host, 'nginx'),
    logPath: layout.logPath(host, 'nginx'),
  });
}
