// The network of a cluster: a namespace for each host, and one with a bridge that joins them. All
// names begin with the same mark, by which a later start finds what a killed one left.

import { StartError } from '../system/settings.ts';
import { ip, killAllIn, namespaces } from './ip.ts';
import type { Layout } from './layout.ts';

/** An address of no network card: the bridge drops what is sent there. */
const NOBODY = '02:00:00:00:00:01';

const markOf = (network: string): string => `repasse-${network}-`;
/** At most 15 characters. */
const deviceOf = (network: string): string => `rp${network}`;

export class Network {
  readonly #layout: Layout;
  /** Where the bridge and the simulated processors are. */
  readonly switch: string;

  constructor(layout: Layout) {
    this.#layout = layout;
    this.switch = `${markOf(layout.settings.network)}switch`;
  }

  namespace(host: number): string {
    return markOf(this.#layout.settings.network) + this.#layout.name(host);
  }

  async make(): Promise<void> {
    const { network } = this.#layout.settings;
    await ensureUnused(network);
    const bridge = ['-n', this.switch, 'link'];
    await ip('netns', 'add', this.switch);
    await ip(...bridge, 'set', 'lo', 'up');
    await ip(...bridge, 'add', 'bridge', 'type', 'bridge');
    await ip(...bridge, 'set', 'bridge', 'up');
    const processors = `${this.#layout.processorsAddress}/24`;
    await ip('-n', this.switch, 'address', 'add', processors, 'dev', 'bridge');
    for (const host of this.#layout.hosts) await this.#addHost(host);
    // This machine's own end, for clients.
    const device = deviceOf(network);
    await ip('link', 'add', device, 'type', 'veth', 'peer', 'outside', 'netns', this.switch);
    await ip(...bridge, 'set', 'outside', 'master', 'bridge', 'up');
    await ip('address', 'add', `${network}.254/24`, 'dev', device);
    await ip('link', 'set', device, 'up');
  }

  async #addHost(host: number): Promise<void> {
    const namespace = this.namespace(host);
    const port = this.#layout.name(host);
    await ip('netns', 'add', namespace);
    await ip('-n', namespace, 'link', 'set', 'lo', 'up');
    const peer = ['peer', 'eth0', 'netns', namespace];
    await ip('-n', this.switch, 'link', 'add', port, 'type', 'veth', ...peer);
    const address = `${this.#layout.address(host)}/24`;
    await ip('-n', namespace, 'address', 'add', address, 'dev', 'eth0');
    await ip('-n', namespace, 'link', 'set', 'eth0', 'up');
    await this.attach(host);
  }

  /** As a cable that is pulled at the switch: packets are dropped both ways, and nobody is told. */
  async detach(host: number): Promise<void> {
    await ip('-n', this.switch, 'link', 'set', this.#layout.name(host), 'nomaster');
  }

  async attach(host: number): Promise<void> {
    const port = this.#layout.name(host);
    await ip('-n', this.switch, 'link', 'set', port, 'master', 'bridge', 'up');
  }

  async linkDown(host: number): Promise<void> {
    await ip('-n', this.switch, 'link', 'set', this.#layout.name(host), 'down');
  }

  /** Drops packets between this host and the other ones; it still reaches the processors. */
  async partFromHosts(host: number): Promise<void> {
    for (const [from, to] of this.#pairs(host)) {
      const address = ['neighbour', 'replace', this.#layout.address(to), 'dev', 'eth0'];
      await ip('-n', this.namespace(from), ...address, 'lladdr', NOBODY, 'nud', 'permanent');
    }
  }

  async joinHosts(host: number): Promise<void> {
    for (const [from, to] of this.#pairs(host)) {
      const address = this.#layout.address(to);
      await ip('-n', this.namespace(from), 'neighbour', 'delete', address, 'dev', 'eth0');
    }
  }

  #pairs(host: number): readonly (readonly [number, number])[] {
    const others = this.#layout.hosts.filter((other) => other !== host);
    return others.flatMap((other) => [[host, other] as const, [other, host] as const]);
  }
}

/** @throws StartError when this machine has a route there that isn't ours. */
async function ensureUnused(network: string): Promise<void> {
  const routes = (await ip('route', 'show', 'to', 'root', `${network}.0/24`)).trim();
  if (routes === '') return;
  throw new StartError(`this machine uses ${network}.0/24: choose another --network (${routes})`);
}

/** Ends and removes all that a cluster on this network has or left, whoever started it. */
export async function removeNetwork(network: string): Promise<void> {
  const mark = markOf(network);
  for (const namespace of await namespaces()) {
    if (!namespace.startsWith(mark)) continue;
    await killAllIn(namespace);
    await ip('netns', 'delete', namespace);
  }
  // It goes with its other end, a moment later.
  await ip('link', 'delete', deviceOf(network)).catch(() => {});
}
