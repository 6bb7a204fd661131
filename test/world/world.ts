// The whole system for a test, of real parts: PostgreSQL, two simulated processors, instances, and
// nginx unless it is left out. Closing it (`await using` does) leaves nothing behind.

import { join } from 'node:path';
import { Client } from './client.ts';
import { DatabaseServer } from './database.ts';
import { Front } from './front.ts';
import { GapProxy } from './gap-proxy.ts';
import { makeInstances, type Environment, type Instance } from './instances.ts';
import { Processor } from './processor.ts';
import { makeTempDirectory, removeTempDirectory } from './temp-directory.ts';
import { waitUntil } from './wait-until.ts';

export interface WorldOptions {
  /** A server to make a database in, which the caller closes; without one the world has its own. */
  readonly database?: DatabaseServer;
  /** 2 by default. */
  readonly instances?: number;
  /** Whether nginx stands in front: by default it does. */
  readonly front?: boolean;
  /** Whether a gap proxy stands before the database and each processor; by default none does. */
  readonly gaps?: boolean;
  /** Settings of every instance. */
  readonly environment?: Environment;
  /** Settings of each instance by its number. */
  readonly environmentOf?: (number: number) => Environment;
}

/** Where the instances find the parts, and the proxies in between. */
export interface Gaps {
  readonly database: GapProxy;
  readonly default: GapProxy;
  readonly fallback: GapProxy;
}

interface Parts {
  readonly directory: string;
  readonly database: DatabaseServer;
  readonly databaseUrl: string;
  readonly default: Processor;
  readonly fallback: Processor;
  readonly gaps: Gaps | undefined;
  readonly instances: readonly Instance[];
  readonly front: Front | undefined;
  readonly ownsDatabase: boolean;
  /** Where an instance finds the other parts. */
  readonly places: Environment;
}

export class World {
  readonly database: DatabaseServer;
  /** Of this world's database, without a proxy. */
  readonly databaseUrl: string;
  readonly default: Processor;
  readonly fallback: Processor;
  readonly instances: readonly Instance[];
  /** Through nginx; without one, to the first instance. */
  readonly client: Client;
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.database = parts.database;
    this.databaseUrl = parts.databaseUrl;
    this.default = parts.default;
    this.fallback = parts.fallback;
    this.instances = parts.instances;
    this.client = new Client(parts.front?.url ?? this.instance(0).socketPath);
    this.#parts = parts;
  }

  instance(number: number): Instance {
    const instance = this.instances[number];
    if (!instance) throw new Error(`there is no instance ${number}`);
    return instance;
  }

  /** Settings of one more process, with where it finds the parts. */
  environmentOf(own: Environment): Environment {
    return { ...this.#parts.places, ...own };
  }

  get processors(): readonly [Processor, Processor] {
    return [this.default, this.fallback];
  }

  get gaps(): Gaps {
    if (!this.#parts.gaps) throw new Error('this world has no gaps');
    return this.#parts.gaps;
  }

  get front(): Front {
    if (!this.#parts.front) throw new Error('this world has no front');
    return this.#parts.front;
  }

  async close(): Promise<void> {
    const { front, gaps, database, ownsDatabase, directory } = this.#parts;
    this.client.close();
    await front?.close();
    await Promise.all(this.instances.map((instance) => instance.close()));
    await Promise.all(this.processors.map((processor) => processor.close()));
    if (gaps) await Promise.all(Object.values<GapProxy>({ ...gaps }).map((gap) => gap.close()));
    if (ownsDatabase) await database.close();
    removeTempDirectory(directory);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Resolves when every part answers. */
export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const directory = makeTempDirectory();
  const stateFile = (name: string): string => join(directory, `${name}.state`);
  const [database, defaultProcessor, fallback] = await Promise.all([
    options.database ?? DatabaseServer.start(),
    Processor.start({ name: 'default', feePercent: 5, stateFile: stateFile('default') }),
    Processor.start({ name: 'fallback', feePercent: 15, stateFile: stateFile('fallback') }),
  ]);
  const databaseUrl = await database.createDatabase();
  const gaps = options.gaps
    ? {
        database: await GapProxy.start(databaseUrl),
        default: await GapProxy.start(defaultProcessor.url),
        fallback: await GapProxy.start(fallback.url),
      }
    : undefined;
  const places: Environment = {
    DATABASE_URL: gaps?.database.through(databaseUrl) ?? databaseUrl,
    PROCESSOR_DEFAULT_URL: gaps?.default.through(defaultProcessor.url) ?? defaultProcessor.url,
    PROCESSOR_FALLBACK_URL: gaps?.fallback.through(fallback.url) ?? fallback.url,
    OUTCOMES_DEFAULT: 'contest',
    OUTCOMES_FALLBACK: 'contest',
  };
  const environmentOf = (number: number): Environment => ({
    ...places,
    ...options.environment,
    ...options.environmentOf?.(number),
  });
  const instances = makeInstances(directory, options.instances ?? 2, environmentOf);
  for (const instance of instances) instance.start();
  await Promise.all(instances.map((instance) => instance.waitReady()));
  const socketPaths = instances.map((instance) => instance.socketPath);
  const front = options.front === false ? undefined : await Front.start(directory, socketPaths);
  const ownsDatabase = options.database === undefined;
  const world = new World({
    directory,
    database,
    databaseUrl,
    default: defaultProcessor,
    fallback,
    gaps,
    instances,
    front,
    ownsDatabase,
    places,
  });
  // An instance listens before it has reached the database.
  await waitUntil('the summary is there', () => world.client.summary());
  return world;
}
