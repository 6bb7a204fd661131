// One host: its processes, and what can happen to it.
//
//   off ─switchOn─▶ on ─switchOff─▶ off        destroyDisk: only while it is off
//   cutOff, partFromHosts ─reconnect─▶          whether on or off

import { mkdir, rm } from 'node:fs/promises';
import { shareWithNobody } from '../system/nobody.ts';
import { Part, type PartPlan } from '../system/part.ts';
import { setClock, withClock } from './clock.ts';
import { etcdPlan, hasEtcdData, replaceMember } from './etcd.ts';
import { haproxyPlan } from './haproxy.ts';
import { clusterInstancePlan, clusterNginxPlan } from './instances.ts';
import { killAllIn } from './ip.ts';
import type { Layout } from './layout.ts';
import type { Network } from './network.ts';
import { patroniPlan } from './patroni.ts';

export interface Surroundings {
  readonly layout: Layout;
  readonly network: Network;
  /** libfaketime, if each host has a clock of its own. */
  readonly clockLibrary: string | undefined;
  readonly say: (line: string) => void;
  /** A host other than this one whose etcd works. */
  readonly helperFor: (host: number) => number;
}

/** In the order in which they start. A stage stops after the ones behind it. */
export const STAGES = ['etcd', 'patroni', 'haproxy', 'services'] as const;
export type Stage = (typeof STAGES)[number];

export class Host {
  readonly number: number;
  readonly url: string;
  readonly #around: Surroundings;
  readonly #parts = new Map<Stage, readonly Part[]>();
  #instances: readonly Part[] = [];
  #isOn = false;
  #isApart = false;
  #lostItsDisk = false;

  constructor(number: number, around: Surroundings) {
    const { layout } = around;
    this.number = number;
    this.url = `http://${layout.address(number)}:${layout.settings.port}`;
    this.#around = around;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  /** kill -9 of everything, and the link is down: as when the power fails. */
  async switchOff(): Promise<void> {
    const { network } = this.#around;
    await network.linkDown(this.number);
    const parts = [...this.#parts.values()].flat();
    for (const part of parts) part.kill();
    await killAllIn(network.namespace(this.number));
    await Promise.all(parts.map((part) => part.stop()));
    this.#parts.clear();
    this.#isOn = false;
  }

  /** Starts what a host starts when its power is back. Resolves when all of it is up. */
  async switchOn(): Promise<void> {
    await this.#around.network.attach(this.number);
    for (const stage of STAGES) await this.startStage(stage);
  }

  async startStage(stage: Stage): Promise<void> {
    this.#isOn = true;
    if (stage === 'etcd') await this.#makeDirectories();
    const plans = await this.#plans(stage);
    // It was switched off meanwhile.
    if (!this.#isOn) return;
    const { network, say } = this.#around;
    const namespace = network.namespace(this.number);
    const parts = plans.map((plan) => new Part({ ...plan, namespace }, say));
    this.#parts.set(stage, parts);
    if (stage === 'services') this.#instances = parts.slice(0, -1);
    await Promise.all(parts.map((part) => part.start()));
  }

  /** Stops everything in order and starts it again, as for an upgrade. */
  async restartOrderly(): Promise<void> {
    for (const stage of STAGES.toReversed()) await this.stopStage(stage);
    this.#isOn = false;
    await this.switchOn();
  }

  async stopStage(stage: Stage): Promise<void> {
    const parts = this.#parts.get(stage) ?? [];
    await Promise.all(parts.map((part) => part.stop()));
    this.#parts.delete(stage);
  }

  /** Packets to and from this host are dropped. */
  async cutOff(): Promise<void> {
    await this.#around.network.detach(this.number);
  }

  /** Packets to and from the other hosts are dropped: it reaches the processors and clients. */
  async partFromHosts(): Promise<void> {
    this.#isApart = true;
    await this.#around.network.partFromHosts(this.number);
  }

  /** Ends `cutOff` and `partFromHosts`. */
  async reconnect(): Promise<void> {
    if (this.#isApart) await this.#around.network.joinHosts(this.number);
    this.#isApart = false;
    await this.#around.network.attach(this.number);
  }

  /** SIGSTOP. Instances count from 1. */
  standStill(instance: number): void {
    this.#instance(instance).signal('SIGSTOP');
  }

  goOn(instance: number): void {
    this.#instance(instance).signal('SIGCONT');
  }

  /** It stops in order, and its supervisor starts it again. */
  restartInstance(instance: number): void {
    this.#instance(instance).signal('SIGTERM');
  }

  /** Everything that this host had stored is gone, etcd's votes too. */
  async destroyDisk(): Promise<void> {
    if (this.#isOn) throw new Error('the host is on: switch it off first');
    await rm(this.#around.layout.hostDirectory(this.number), { recursive: true });
    this.#lostItsDisk = true;
  }

  /** From now on; its instances and its PostgreSQL see it within a second. */
  setClock(aheadSeconds: number): void {
    if (this.#around.clockLibrary === undefined) throw new Error('this cluster has one clock');
    setClock(this.#around.layout, this.number, aheadSeconds);
  }

  #instance(instance: number): Part {
    const part = this.#instances[instance - 1];
    if (part === undefined) throw new Error(`no instance ${instance}`);
    return part;
  }

  async #makeDirectories(): Promise<void> {
    const { layout, clockLibrary } = this.#around;
    for (const name of ['logs', 'run', 'postgres']) {
      await mkdir(layout.file(this.number, name), { recursive: true });
    }
    // nginx's worker reaches the instances' sockets.
    shareWithNobody(layout.file(this.number, 'run'), 0o751);
    if (clockLibrary !== undefined) setClock(layout, this.number, 0);
  }

  async #plans(stage: Stage): Promise<readonly PartPlan[]> {
    const { layout, clockLibrary, helperFor } = this.#around;
    switch (stage) {
      case 'etcd': {
        const comesBack = this.#lostItsDisk && !hasEtcdData(layout, this.number);
        if (comesBack) await replaceMember(layout, this.number, helperFor(this.number));
        this.#lostItsDisk = false;
        return [etcdPlan(layout, this.number, comesBack ? 'existing' : 'new')];
      }
      case 'patroni':
        return [await patroniPlan(layout, this.number, clockLibrary)];
      case 'haproxy':
        return [await haproxyPlan(layout, this.number)];
      case 'services':
        if (layout.instances.length === 0) return [];
        return [
          ...layout.instances.map((each) => this.#instancePlan(each)),
          await clusterNginxPlan(layout, this.number),
        ];
    }
  }

  /** With the host's clock, if it has one of its own. */
  #instancePlan(instance: number): PartPlan {
    const { layout, clockLibrary } = this.#around;
    const plan = clusterInstancePlan(layout, this.number, instance);
    if (clockLibrary === undefined) return plan;
    return { ...plan, command: withClock(plan.command, layout, this.number, clockLibrary) };
  }
}
