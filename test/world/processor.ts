// A simulated payment processor as its own process, with its levers. Its payments and its address
// outlive a kill.

import { Levers } from '../../tools/simulator/levers.ts';
import { Program } from './program.ts';
import { waitUntil } from './wait-until.ts';

const SCRIPT = new URL('../../tools/simulator.js', import.meta.url);

export interface ProcessorOptions {
  readonly name: 'default' | 'fallback';
  readonly feePercent: number;
  readonly stateFile: string;
}

export class Processor {
  readonly name: 'default' | 'fallback';
  readonly url: string;
  readonly levers: Levers;
  readonly #options: ProcessorOptions;
  #program: Program;

  private constructor(options: ProcessorOptions, url: string, program: Program) {
    this.name = options.name;
    this.url = url;
    this.levers = new Levers(url);
    this.#options = options;
    this.#program = program;
  }

  static async start(options: ProcessorOptions): Promise<Processor> {
    const program = launch(options, '0');
    return new Processor(options, await listening(program), program);
  }

  get pid(): number {
    return this.#program.pid;
  }

  /** Sends a signal and goes on: SIGSTOP, SIGCONT. */
  signal(name: NodeJS.Signals): void {
    this.#program.signal(name);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#program.kill(signal);
  }

  /** At the same address, with the payments that it held; delays and faults are forgotten. */
  async restart(): Promise<void> {
    this.#program = launch(this.#options, new URL(this.url).port);
    await listening(this.#program);
  }

  async close(): Promise<void> {
    if (this.#program.running) await this.#program.kill();
  }
}

function launch({ name, feePercent, stateFile }: ProcessorOptions, port: string): Program {
  const fee = String(feePercent);
  const words = ['--name', name, '--port', port, '--fee', fee, '--state', stateFile];
  const program = new Program(SCRIPT, words);
  program.start();
  return program;
}

async function listening(program: Program): Promise<string> {
  const line = await waitUntil('the simulator listens', () => {
    if (!program.running) throw new Error(`it ended: ${program.lastWords()}`);
    return program.lines.find((candidate) => candidate.includes('"listening"'));
  });
  return (JSON.parse(line) as { url: string }).url;
}
