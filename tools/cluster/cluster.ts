// A cluster on this machine: hosts, their network, and two simulated processors beside them.

import { setTimeout as sleep } from 'node:timers/promises';
import { Levers } from '../simulator/levers.ts';
import { ask } from '../system/ask.ts';
import { Part } from '../system/part.ts';
import { StartError } from '../system/settings.ts';
import { fakeTimeLibrary, removeClocks } from './clock.ts';
import { makeDatabase } from './database.ts';
import { lockNetwork, openHome, type Home } from './home.ts';
import { Host, STAGES, type Stage, type Surroundings } from './host.ts';
import { adminAddress, databaseUrl } from './instances.ts';
import { Layout, PORTS, USUAL, type ClusterSettings } from './layout.ts';
import { Network, removeNetwork } from './network.ts';
import { isPrimary, membersSeenBy, type Member } from './patroni.ts';
import { processorPlans, processorUrl } from './processors.ts';
import { secretsIn } from './secrets.ts';

const READY_WITHIN_MS = 120_000;
const ASK_EVERY_MS = 200;

export interface ClusterOptions extends Partial<ClusterSettings> {
  /** Each host has a clock that can be set. Needs Debian's package libfaketime. */
  readonly ownClocks?: boolean;
  readonly say?: (line: string) => void;
}

/** A processor, as a test looks at it. */
export interface ClusterProcessor {
  readonly name: 'default' | 'fallback';
  readonly url: string;
  readonly levers: Levers;
}

export class Cluster {
  readonly layout: Layout;
  readonly hosts: readonly Host[];
  readonly processors: readonly [ClusterProcessor, ClusterProcessor];
  readonly #home: Home;
  readonly #network: Network;
  readonly #processorParts: readonly Part[];
  #isStopping = false;

  private constructor(home: Home, layout: Layout, around: Omit<Surroundings, 'helperFor'>) {
    const { network, say } = around;
    this.#home = home;
    this.#network = network;
    this.layout = layout;
    const helperFor = (host: number): number => this.#helperFor(host);
    this.hosts = layout.hosts.map((number) => new Host(number, { ...around, helperFor }));
    this.#processorParts = processorPlans(layout).map(
      (plan) => new Part({ ...plan, namespace: network.switch }, say),
    );
    const processor = (name: 'default' | 'fallback'): ClusterProcessor => {
      const url = processorUrl(layout, name);
      return { name, url, levers: new Levers(url) };
    };
    this.processors = [processor('default'), processor('fallback')];
  }

  /** Makes the network and the directories, and removes what a killed cluster left of its own. */
  static async prepare({ ownClocks, say = () => {}, ...wanted }: ClusterOptions): Promise<Cluster> {
    const settings = { ...USUAL, ...wanted };
    const clockLibrary = ownClocks ? fakeTimeLibrary() : undefined;
    if (ownClocks && !clockLibrary) throw new StartError('needs the package libfaketime');
    const lock = lockNetwork(settings.network);
    let home: Home | undefined;
    try {
      await removeNetwork(settings.network);
      home = await openHome(settings, lock);
      const layout = new Layout(settings, home.directory, secretsIn(home.directory));
      const network = new Network(layout);
      await network.make();
      return new Cluster(home, layout, { layout, network, clockLibrary, say });
    } catch (error) {
      await removeNetwork(settings.network);
      if (home) home.close();
      else lock.unlock();
      throw error;
    }
  }

  /** Resolves when every host answers, or `stop` came first. @throws StartError */
  async start(): Promise<void> {
    await Promise.all([...this.#processorParts.map((part) => part.start()), this.#all('etcd')]);
    if (this.#isStopping) return;
    await this.#all('patroni');
    await this.#until('the hosts have no primary that all others follow', () => this.isWhole());
    const primary = await this.primary();
    if (primary === undefined) return;
    await makeDatabase(this.layout, primary);
    await this.#all('haproxy');
    await this.#all('services');
    if (this.layout.settings.instancesPerHost === 0) return;
    for (const host of this.hosts) {
      await this.#until(`${host.url} does not answer`, () => answersSummaries(host.url));
    }
  }

  /** Stops everything in order if the data are kept, at once otherwise, and removes the network. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const isKept = this.layout.settings.dataDirectory !== undefined;
    for (const stage of isKept ? STAGES.toReversed() : []) {
      await Promise.all(this.hosts.map((host) => host.stopStage(stage)));
    }
    await Promise.all(this.hosts.map((host) => host.switchOff()));
    for (const part of this.#processorParts) part.hasten();
    await Promise.all(this.#processorParts.map((part) => part.stop()));
    await removeNetwork(this.layout.settings.network);
    removeClocks();
    this.#home.close();
  }

  host(number: number): Host {
    const host = this.hosts[number - 1];
    if (host === undefined) throw new Error(`no host ${number}`);
    return host;
  }

  get urls(): readonly string[] {
    return this.hosts.map(({ url }) => url);
  }

  /** The page of the first instance of each host, opened. */
  get pages(): readonly string[] {
    const { secrets } = this.layout;
    return this.layout.hosts.map(
      (host) => `http://${adminAddress(this.layout, host, 1)}/#token=${secrets.admin}`,
    );
  }

  /** The host whose PostgreSQL is the primary, as this machine sees it. */
  async primary(): Promise<number | undefined> {
    const asked = this.layout.hosts.map((host) => isPrimary(this.layout, host));
    const index = (await Promise.all(asked)).indexOf(true);
    return index === -1 ? undefined : index + 1;
  }

  /** All members of the database, as the primary sees them; none while there is no primary. */
  async members(): Promise<readonly Member[]> {
    const primary = await this.primary();
    return primary === undefined ? [] : membersSeenBy(this.layout, primary);
  }

  /**
   * The host of the synchronous standby, or of the other one. With a quorum it is one of them, or
   * the other one.
   */
  async standby(wanted: 'synchronous' | 'other'): Promise<number> {
    const standbys = (await this.members()).filter(({ role }) => role !== 'leader');
    const first = standbys.find(isSynchronous);
    const found = wanted === 'synchronous' ? first : standbys.find((each) => each !== first);
    return Number(found?.name.replace('host-', ''));
  }

  /** Whether there is a primary, and every other host follows it, one of them synchronously. */
  async isWhole(): Promise<boolean> {
    const members = await this.members();
    const isSafe = members.some(isSynchronous);
    return isSafe && members.filter(follows).length === this.hosts.length - 1;
  }

  /** The host that has this address: "10.77.0.12:9101". */
  hostAt(address: string): number {
    const [name = ''] = address.split(':');
    return this.layout.hosts.find((host) => this.layout.address(host) === name) ?? 0;
  }

  /** With this host's PostgreSQL, as an instance. */
  databaseUrl(host: number): string {
    return databaseUrl(this.layout, `${this.layout.address(host)}:${PORTS.postgres}`);
  }

  /** With the primary, from any host. */
  get localDatabaseUrl(): string {
    return databaseUrl(this.layout, `127.0.0.1:${PORTS.database}`);
  }

  /** Where this host's processes run: the name of its network namespace. */
  namespace(host: number): string {
    return this.#network.namespace(host);
  }

  async #all(stage: Stage): Promise<void> {
    if (this.#isStopping) return;
    await Promise.all(this.hosts.map((host) => host.startStage(stage)));
  }

  #helperFor(host: number): number {
    const helper = this.hosts.find(({ number, isOn }) => isOn && number !== host);
    if (helper === undefined) throw new StartError('no other host is on');
    return helper.number;
  }

  /** The first truthy answer; undefined if `stop` came first. @throws StartError with `trouble` */
  async #until<T>(trouble: string, answer: () => Promise<T>): Promise<T | undefined> {
    const deadline = performance.now() + READY_WITHIN_MS;
    while (!this.#isStopping) {
      const found = await answer().catch(() => undefined);
      if (found) return found;
      if (performance.now() > deadline) {
        throw new StartError(`${trouble} (logs: ${this.layout.directory}/host-*/logs)`);
      }
      await sleep(ASK_EVERY_MS);
    }
    return undefined;
  }
}

/** Commits wait for it. With a quorum they wait for any one of these. */
const isSynchronous = ({ role }: Member): boolean =>
  role === 'sync_standby' || role === 'quorum_standby';

/** `running` is what Patroni 3.0 says of a standby that streams. */
const follows = ({ role, state, lag }: Member): boolean =>
  role !== 'leader' && ['running', 'streaming'].includes(state) && lag === 0;

/** A summary needs nginx, an instance, the ledger and all other instances. */
const answersSummaries = async (url: string): Promise<boolean> =>
  (await ask(url, '/payments-summary')).status === 200;
