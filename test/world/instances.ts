// Instances as processes of their own, each with its socket and its journal. They can be killed and
// restarted.

import { join } from 'node:path';
import { Client } from './client.ts';
import { Program } from './program.ts';
import { waitUntil } from './wait-until.ts';

const SCRIPT = new URL('../../src/main.js', import.meta.url);

/** What an instance says of itself. */
export interface Status {
  readonly accepted: number;
  readonly queued: number;
  readonly inFlight: number;
  /** Failed alone, and tried again later. */
  readonly aside: number;
  /** In slots: everything accepted that isn't settled. */
  readonly held: number;
  readonly free: number;
  /** Outcomes that are being asked about. */
  readonly unknown: number;
  /** Both processors are asked whether they hold them. */
  readonly doubtful: number;
  /** Held until the ledger says that they are not settled already. */
  readonly verifying: number;
  /** Held for the instance that owns them. */
  readonly foreign: number;
  /** Charged, and on the way into the ledger. */
  readonly unrecorded: number;
  /** Of those, rows that the ledger refuses for their content. */
  readonly refused: number;
  /** Found pinned by a restart, and perhaps acknowledged before it. */
  readonly recovering: number;
  /**
   * Recorded elsewhere than they are pinned, until their pinned processor says whether it holds
   * them.
   */
  readonly checking: number;
  /** Found since its start. */
  readonly anomalies: number;
  /** Whether the ledger and the other instances agree to its place. */
  readonly membership: 'pending' | 'agreed' | 'disagreed';
}

export type Environment = Readonly<Record<string, string>>;

export class Instance {
  readonly socketPath: string;
  readonly journalPath: string;
  readonly program = new Program(SCRIPT);
  /** Speaks to this instance alone. */
  readonly client: Client;
  readonly #environment: Environment;

  constructor(
    directory: string,
    number: number,
    { socketPaths, environment }: { socketPaths: readonly string[]; environment: Environment },
  ) {
    this.socketPath = socketPaths[number] as string;
    this.journalPath = join(directory, `journal-${number}`);
    this.client = new Client(this.socketPath);
    // A shard of a cluster has its journal in the database, and finds the others there.
    const place =
      environment['JOURNAL'] === 'table'
        ? {}
        : { PEER_SOCKET_PATHS: socketPaths.join(','), JOURNAL_PATH: this.journalPath };
    this.#environment = {
      ALLOW_PURGE: '1',
      ...environment,
      SOCKET_PATH: this.socketPath,
      ...place,
    };
  }

  /** What it printed on stdout. */
  get lines(): readonly string[] {
    return this.program.lines;
  }

  /** Starts it (again), with other settings if need be; `waitReady` tells when it answers. */
  start(environment: Environment = {}): void {
    this.program.start({ ...this.#environment, ...environment });
  }

  async waitReady(withinMs = 30_000): Promise<void> {
    await waitUntil(
      'the instance answers',
      async () => {
        if (!this.program.running) throw new Error(`it ended: ${this.program.lastWords()}`);
        return this.status();
      },
      { withinMs },
    );
  }

  async restart(environment: Environment = {}): Promise<void> {
    this.start(environment);
    await this.waitReady();
  }

  /** How often it said `event` in its log, in all runs. */
  said(event: string): number {
    return this.lines.filter((line) => line.includes(`"event":"${event}"`)).length;
  }

  /**
   * Resolves with the latest line of its log about `event`, as soon as there is one: an answer over
   * HTTP may come before the line. Rejects after 10 s without one.
   */
  latest(event: string): Promise<Readonly<Record<string, unknown>>> {
    return waitUntil(`it says "${event}"`, () => {
      const line = this.lines.findLast((one) => one.includes(`"event":"${event}"`));
      return line === undefined ? line : (JSON.parse(line) as Record<string, unknown>);
    });
  }

  /** Resolves when the ledger and the other instances agree to its place, or don't any more. */
  async becomes(state: Status['membership']): Promise<void> {
    const is = async (): Promise<boolean> => (await this.status()).membership === state;
    await waitUntil(`its place is ${state}`, is);
  }

  /** Resolves with the exit code, or the signal that ended it. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | NodeJS.Signals> {
    return this.program.kill(signal);
  }

  async status(): Promise<Status> {
    const { status, body } = await this.client.send('GET', '/internal/status');
    if (status !== 200) throw new Error(`status answered ${status}: ${body}`);
    return JSON.parse(body) as Status;
  }

  async close(): Promise<void> {
    if (this.program.running) await this.kill();
    this.client.close();
  }
}

/** `count` instances in `directory`, each knowing the others; not started yet. */
export function makeInstances(
  directory: string,
  count: number,
  environmentOf: (number: number) => Environment,
): Instance[] {
  const numbers = Array.from({ length: count }, (_, number) => number);
  const socketPaths = numbers.map((number) => join(directory, `api-${number}.sock`));
  return numbers.map((number) => {
    return new Instance(directory, number, { socketPaths, environment: environmentOf(number) });
  });
}
