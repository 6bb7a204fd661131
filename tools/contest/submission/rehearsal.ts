// The folder of a submission in Docker, as in the contest: a copy of the folder elsewhere, started
// by its own compose file, on the network of two processors that a project of their own brings.

import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Pair } from '../../audit/totals.ts';
import { buildImage, IMAGES } from '../../compose/composition.ts';
import { docker } from '../../compose/docker.ts';
import { WHOLE_VERSION } from '../../compose/images.ts';
import { Project } from '../../compose/project.ts';
import type { Usage } from '../../compose/usage.ts';
import { feeVariables } from '../fees.ts';
import { CPUS_MAX, MEMORY_MAX_MB, NETWORK } from './check-compose.ts';
import { readComposeFile } from './compose-file.ts';
import { writeFolder } from './folder-files.ts';
import type { Folder } from './folder.ts';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
/** Each checkout has its own projects: it removes nothing that another one started. */
const PREFIX = `repasse-try-${createHash('sha256').update(ROOT).digest('hex').slice(0, 8)}`;
const PROCESSORS = ['payment-processor-default', 'payment-processor-fallback'] as const;
/** An engine that takes longer to remove the containers is not waited for. */
const REMOVE_MS_MAX = 120_000;

export interface RehearsalPlan {
  readonly folder: Folder;
  readonly feeBps: Pair<number>;
  /** The image of this checkout in place of the folder's own, and base images that are here. */
  readonly local: boolean;
}

export class Rehearsal {
  /** Of the submission. */
  readonly services: readonly string[];
  readonly #copy: string;
  readonly #local: boolean;
  readonly #submission: Project;
  readonly #processors: Project;

  private constructor({ folder, feeBps, local }: RehearsalPlan, copy: string) {
    const compose = readComposeFile(folder.get('docker-compose.yml') ?? '');
    this.services = Object.keys(compose.services);
    this.#copy = copy;
    this.#local = local;
    this.#submission = new Project({
      name: `${PREFIX}-submission`,
      directory: copy,
      files: ['docker-compose.yml', ...(local ? ['local.yml'] : [])].map((file) =>
        join(copy, file),
      ),
    });
    this.#processors = new Project({
      name: `${PREFIX}-processors`,
      directory: ROOT,
      files: [join(ROOT, 'docker', 'compose.local.yml')],
      environment: { ...feeVariables(feeBps), REPASSE_SIMULATOR_IMAGE: IMAGES.simulator },
    });
  }

  /** Copies the folder, and removes what a rehearsal of this checkout left when it was killed. */
  static async open(plan: RehearsalPlan): Promise<Rehearsal> {
    await removeCopies();
    const copy = await mkdtemp(join(tmpdir(), `${PREFIX}-`));
    const rehearsal = new Rehearsal(plan, copy);
    try {
      await writeFolder(copy, plan.folder);
      if (plan.local) await writeFile(join(copy, 'local.yml'), localFile(plan.folder));
      await rehearsal.#down();
      return rehearsal;
    } catch (error) {
      await rm(copy, { recursive: true, force: true });
      throw error;
    }
  }

  async build(stop: AbortSignal): Promise<void> {
    await buildImage('simulator', stop);
    if (this.#local) await buildImage('instance', stop);
  }

  /** As in the contest: the processors, then the submission with images that are pulled anew. */
  async start(stop: AbortSignal): Promise<void> {
    await this.#processors.up(['--no-build', ...PROCESSORS], stop);
    await this.#submission
      .up(['--pull', this.#local ? 'missing' : 'always'], stop)
      .catch((error: Error) => {
        const hint = '--local takes the image of this checkout, and base images that are here';
        throw this.#local || stop.aborted ? error : new Error(`${error.message}\n${hint}`);
      });
  }

  /** What the engine enforces, as a line, and each broken limit. */
  async limits(): Promise<{ readonly line: string; readonly faults: readonly string[] }> {
    const faults: string[] = [];
    let [cpus, bytes] = [0, 0];
    for (const service of this.services) {
      const limits = await this.#submission.limitsOf(service);
      if (limits.cpus === 0) faults.push(`${service}: the engine limits no CPU`);
      if (limits.memoryBytes === 0) faults.push(`${service}: the engine limits no memory`);
      cpus += limits.cpus;
      bytes += limits.memoryBytes;
    }
    const line =
      `${Math.round(cpus * 1_000) / 1_000} CPU and ${bytes / 2 ** 20} MB in all, enforced by the ` +
      `engine; allowed are ${CPUS_MAX} and ${MEMORY_MAX_MB}`;
    const isMore = cpus > CPUS_MAX + 1e-9 || bytes > MEMORY_MAX_MB * 2 ** 20;
    return { line, faults: isMore ? [...faults, `limits: ${line}`] : faults };
  }

  readonly usage = (): Promise<ReadonlyMap<string, Usage>> =>
    this.#submission.usageOf(this.services);

  mishaps(): Promise<string[]> {
    return this.#submission.mishaps(this.services);
  }

  /** Of all containers. */
  async logs(): Promise<string> {
    const projects = [this.#submission, this.#processors];
    return (await Promise.all(projects.map((project) => project.logs()))).join('\n');
  }

  /** Removes the copy, and all containers, networks and volumes. The images stay. */
  async remove(): Promise<void> {
    try {
      await this.#down();
    } finally {
      await rm(this.#copy, { recursive: true, force: true });
    }
  }

  /** The processors last: the submission is on their network. */
  async #down(): Promise<void> {
    const stop = AbortSignal.timeout(REMOVE_MS_MAX);
    try {
      await this.#submission.down(stop);
      await this.#processors.down(stop);
    } catch (error) {
      const reason = (error as Error).message;
      throw new Error(`containers named ${PREFIX}-… may be left: ${reason}`, { cause: error });
    }
  }
}

async function removeCopies(): Promise<void> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(`${PREFIX}-`));
  for (const name of names) await rm(join(tmpdir(), name), { recursive: true, force: true });
}

/** Whether something else has a network with the name of the processors'. */
export async function isNetworkTaken(): Promise<boolean> {
  const names = ['network', 'ls', '--filter', `name=^${NETWORK}$`, '--format', '{{.Name}}'];
  return (await docker(names)).trim() !== '';
}

/** A further compose file, with the image of this checkout in place of the published one. */
function localFile(folder: Folder): string {
  const { services } = readComposeFile(folder.get('docker-compose.yml') ?? '');
  const ours: Record<string, { readonly image: string }> = {};
  for (const [name, { image = '' }] of Object.entries(services)) {
    const isBase = WHOLE_VERSION[image.split(':')[0] ?? ''] !== undefined;
    if (!isBase) ours[name] = { image: IMAGES.instance };
  }
  return JSON.stringify({ services: ours });
}
