// Runs the simulation on mutated copies of the compiled program, each in its own process.

import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { patched, type Mutation } from './mutation.ts';

const DIST = fileURLToPath(new URL('../..', import.meta.url));
/** What the simulation consists of, in DIST. */
const PARTS = [
  'src',
  'test/simulation',
  'test/buffer/seed.js',
  'tools/simulate.js',
  'tools/command-line.js',
];

export interface Finding {
  /** What the first failing run printed; undefined when none failed. */
  readonly found: string | undefined;
  /** What else it printed, when it could not run at all. */
  readonly printed: string;
}

/** Looks for a seed that fails with this mutation. */
export async function hunt(mutation: Mutation, options: readonly string[]): Promise<Finding> {
  const copy = mkdtempSync(join(tmpdir(), 'repasse-mutant-'));
  try {
    for (const part of PARTS) cpSync(join(DIST, part), join(copy, part), { recursive: true });
    writeFileSync(join(copy, 'package.json'), '{"type":"module"}');
    symlinkSync(nodeModules(), join(copy, 'node_modules'));
    for (const patch of mutation.patches) {
      const path = join(copy, 'src', patch.file);
      writeFileSync(path, patched(readFileSync(path, 'utf8'), patch));
    }
    const printed = await run(join(copy, 'tools/simulate.js'), options);
    return { found: /^seed \d+ fails: .*/m.exec(printed)?.[0], printed };
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** Where this program's packages are, wherever it was compiled to. */
function nodeModules(): string {
  const undici = fileURLToPath(import.meta.resolve('undici'));
  return undici.slice(0, undici.lastIndexOf('node_modules') + 'node_modules'.length);
}

function run(script: string, options: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...options], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        printed += text;
      });
    }
    child.on('error', reject);
    child.on('close', () => resolve(printed));
  });
}
