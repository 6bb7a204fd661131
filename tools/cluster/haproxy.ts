// HAProxy on each host: 127.0.0.1:5000 leads to the primary, whichever host that is. It asks
// Patroni on each host twice a second. Sessions end when their server is no primary any more.

import { writeFile } from 'node:fs/promises';
import type { PartPlan } from '../system/part.ts';
import { PORTS, type Layout } from './layout.ts';

export function haproxyConfiguration(layout: Layout): string {
  const servers = layout.hosts.map(
    (host) =>
      `  server ${layout.name(host)} ${layout.address(host)}:${PORTS.postgres} ` +
      `check port ${PORTS.patroni}`,
  );
  return `global
  maxconn 1000

defaults
  mode tcp
  timeout connect 2s
  # Who asks tries again by itself, and sooner.
  retries 0
  timeout check 1s
  # A session that listens for notices is silent for hours. Keep-alive finds the ends that are gone.
  timeout client 7d
  timeout server 7d
  option tcpka

listen primary
  bind 127.0.0.1:${PORTS.database}
  option httpchk OPTIONS /primary
  http-check expect status 200
  # Two refusals, or a second of silence twice.
  default-server inter 500ms fall 2 rise 1 on-marked-down shutdown-sessions
${servers.join('\n')}
`;
}

/** Writes its configuration. */
export async function haproxyPlan(layout: Layout, host: number): Promise<PartPlan> {
  const path = layout.file(host, 'haproxy.cfg');
  await writeFile(path, haproxyConfiguration(layout));
  return {
    name: `haproxy of ${layout.name(host)}`,
    command: ['haproxy', '-db', '-f', path],
    logPath: layout.logPath(host, 'haproxy'),
    isUp: () => Promise.resolve(true),
    stopSignal: 'SIGTERM',
    stopWithinMs: 2_000,
    hastySignal: 'SIGKILL',
    deathSignal: 'SIGTERM',
  };
}
