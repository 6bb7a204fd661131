// etcd on each host: the majority that knows who the primary is. A member whose disk is lost can't
// come back under its old identity, since it has forgotten what it voted for: it is removed, and
// added as a new one.

import { existsSync } from 'node:fs';
import { ask } from '../system/ask.ts';
import type { PartPlan } from '../system/part.ts';
import { StartError } from '../system/settings.ts';
import { PORTS, type Layout } from './layout.ts';
import { patroniFeatures } from './patroni-version.ts';

const CALL_WITHIN_MS = 5_000;

const clientUrl = (layout: Layout, host: number): string =>
  `http://${layout.address(host)}:${PORTS.etcd}`;
const peerUrl = (layout: Layout, host: number): string =>
  `http://${layout.address(host)}:${PORTS.etcdPeers}`;

/** `state`: whether this host founds the cluster with the others, or comes to one that is there. */
export function etcdPlan(layout: Layout, host: number, state: 'new' | 'existing'): PartPlan {
  const [own, peers] = [clientUrl(layout, host), peerUrl(layout, host)];
  const members = layout.hosts.map((each) => `${layout.name(each)}=${peerUrl(layout, each)}`);
  const settings = {
    name: layout.name(host),
    'data-dir': layout.file(host, 'etcd'),
    'listen-client-urls': own,
    'advertise-client-urls': own,
    'listen-peer-urls': peers,
    'initial-advertise-peer-urls': peers,
    'initial-cluster': members.join(','),
    'initial-cluster-state': state,
    'initial-cluster-token': `repasse-${layout.settings.network}`,
    // Patient: all hosts share the cores of one machine.
    'heartbeat-interval': '200',
    'election-timeout': '1000',
    logger: 'zap',
    ...(patroniFeatures().etcdApi === 'etcd' ? { 'enable-v2': 'true' } : {}),
  };
  return {
    name: `etcd of ${layout.name(host)}`,
    command: ['etcd', ...Object.entries(settings).map(([name, value]) => `--${name}=${value}`)],
    // etcd 3.4 on arm64 wants to be told that it may.
    environment: { ETCD_UNSUPPORTED_ARCH: process.arch },
    logPath: layout.logPath(host, 'etcd'),
    // 200 when it belongs to a majority.
    isUp: async () => (await ask(own, '/health')).status === 200,
    stopSignal: 'SIGTERM',
    // It may wait for the others, which stop too; a kill does no harm.
    stopWithinMs: 3_000,
    hastySignal: 'SIGKILL',
    deathSignal: 'SIGTERM',
  };
}

export const hasEtcdData = (layout: Layout, host: number): boolean =>
  existsSync(layout.file(host, 'etcd'));

interface Member {
  readonly ID: string;
  readonly peerURLs: readonly string[];
}

/** Tells the cluster that this host's member has lost its disk. `helper` is a host that works. */
export async function replaceMember(layout: Layout, host: number, helper: number): Promise<void> {
  const url = clientUrl(layout, helper);
  const { members } = (await call(url, 'list', {})) as { members: readonly Member[] };
  const lost = members.find(({ peerURLs }) => peerURLs.includes(peerUrl(layout, host)));
  if (lost) await call(url, 'remove', { ID: lost.ID });
  await call(url, 'add', { peerURLs: [peerUrl(layout, host)] });
}

async function call(url: string, method: string, body: object): Promise<unknown> {
  const answer = await fetch(`${url}/v3/cluster/member/${method}`, {
    method: 'POST',
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(CALL_WITHIN_MS),
  });
  const text = await answer.text();
  if (!answer.ok) throw new StartError(`etcd, member ${method}: ${answer.status} ${text}`);
  return JSON.parse(text) as unknown;
}
