// A project of Docker Compose: files, variables and the containers that they make. Its name is one
// that nobody uses by hand, because the volumes are deleted with it.

import { docker, usage } from './docker.ts';
import type { Usage } from './usage.ts';

export interface ProjectPlan {
  readonly name: string;
  /** What the paths in the files are relative to. */
  readonly directory: string;
  readonly files: readonly string[];
  /** Variables for the files. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** What the engine enforces for one container; 0 is no limit. */
export interface Limits {
  readonly cpus: number;
  readonly memoryBytes: number;
}

export class Project {
  readonly #words: readonly string[];
  readonly #environment: Readonly<Record<string, string>>;
  readonly #containers = new Map<string, string>();

  constructor({ name, directory, files, environment = {} }: ProjectPlan) {
    const project = [`--project-name=${name}`, `--project-directory=${directory}`];
    this.#words = ['compose', ...project, ...files.map((path) => `--file=${path}`)];
    this.#environment = environment;
  }

  /** Resolves when all containers are started; they may not answer yet. `words` go to `up`. */
  async up(words: readonly string[], stop?: AbortSignal): Promise<void> {
    await this.#compose(['up', '--detach', ...words], stop);
  }

  /** Removes everything, volumes and what an earlier run left too. */
  async down(stop?: AbortSignal): Promise<void> {
    this.#containers.clear();
    const all = ['--volumes', '--remove-orphans', '--timeout', '20'];
    await this.#compose(['down', ...all], stop);
  }

  logs(): Promise<string> {
    return this.#compose(['logs', '--no-color', '--timestamps']);
  }

  /** @throws Error when there is none. */
  async containerOf(service: string): Promise<string> {
    const known = this.#containers.get(service);
    if (known !== undefined) return known;
    const id = (await this.#compose(['ps', '--all', '--quiet', service])).trim();
    if (id === '') throw new Error(`${service} has no container`);
    this.#containers.set(service, id);
    return id;
  }

  /** What `docker inspect` prints in this format. */
  async inspect(service: string, format: string): Promise<string> {
    return (await docker(['inspect', '--format', format, await this.containerOf(service)])).trim();
  }

  async limitsOf(service: string): Promise<Limits> {
    const text = await this.inspect(service, '{{.HostConfig.NanoCpus}} {{.HostConfig.Memory}}');
    const [nanoCpus, memoryBytes] = text.split(' ').map(Number);
    return { cpus: (nanoCpus ?? 0) / 1e9, memoryBytes: memoryBytes ?? 0 };
  }

  async usageOf(services: readonly string[]): Promise<ReadonlyMap<string, Usage>> {
    const used = new Map<string, Usage>();
    for (const service of services) used.set(service, await usage(await this.containerOf(service)));
    return used;
  }

  /**
   * What happened to the services: one was out of memory, or ended by itself. `crashed` are those
   * whose process we killed, once each: the engine counts that as a restart.
   */
  async mishaps(
    services: readonly string[],
    crashed: ReadonlySet<string> = new Set(),
  ): Promise<string[]> {
    const found: string[] = [];
    for (const service of services) {
      const state = await this.inspect(service, '{{.State.OOMKilled}} {{.RestartCount}}');
      const [outOfMemory, restarts] = state.split(' ');
      if (outOfMemory !== 'false') found.push(`${service}: killed for its memory`);
      const own = Number(restarts) - (crashed.has(service) ? 1 : 0);
      if (own !== 0) found.push(`${service}: ended by itself, restarts: ${own}`);
    }
    return found;
  }

  #compose(words: readonly string[], stop?: AbortSignal): Promise<string> {
    const options = { environment: this.#environment, ...(stop === undefined ? {} : { stop }) };
    return docker([...this.#words, ...words], options);
  }
}
