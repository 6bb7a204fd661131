// The folders of runs: which are kept, and which are deleted.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { listingOf } from '../../tools/contest/run-list.ts';
import {
  deleteOldRuns,
  findRun,
  listRuns,
  makeRunFolder,
  RunError,
} from '../../tools/contest/runs.ts';
import { settingsThatDiffer } from '../../tools/contest/surroundings.ts';
import { recordedRun } from './recorded-run.ts';

const place = await mkdtemp(join(tmpdir(), 'repasse-test-runs-'));
after(() => rm(place, { recursive: true }));

const AT = new Date('2026-11-24T10:15:02Z');
const about = { at: AT, test: 'preview', commit: '25076cd' };

test('a folder is named by date, test and commit; two of one second have different ones', async () => {
  const runs = join(place, 'named', 'deeper');
  const first = await makeRunFolder(runs, about);
  const second = await makeRunFolder(runs, about);
  assert.equal(basename(first), '2026-11-24-101502-preview-25076cd');
  assert.equal(basename(second), '2026-11-24-101502-preview-25076cd-2');
  assert.deepEqual(await listRuns(runs), [], 'a run without a result is none');
});

test('the oldest runs are deleted first, and nothing that is named otherwise', async () => {
  const runs = join(place, 'old');
  const names: string[] = [];
  for (const day of [24, 26, 25, 23]) {
    const at = new Date(`2026-11-${day}T10:15:02Z`);
    const folder = await makeRunFolder(runs, { ...about, at });
    await writeFile(join(folder, 'result.json'), JSON.stringify(recordedRun([])));
    names.push(basename(folder));
  }
  await mkdir(join(runs, 'before the release'));
  await mkdir(join(runs, 'compare'));
  assert.deepEqual(await deleteOldRuns(runs, 2), names.toSorted().slice(0, 2));
  assert.deepEqual(
    (await readdir(runs)).toSorted(),
    [...names.toSorted().slice(2), 'before the release', 'compare'].toSorted(),
  );
});

test('the list has a line for each run, also for one that cannot be read', async () => {
  const runs = join(place, 'listed');
  assert.equal(await listingOf(runs), `no runs in ${runs}`);
  const folder = await makeRunFolder(runs, about);
  await writeFile(join(folder, 'result.json'), JSON.stringify(recordedRun([])));
  const broken = await makeRunFolder(runs, about);
  await writeFile(join(broken, 'result.json'), '{}');
  const lines = (await listingOf(runs)).split('\n');
  assert.equal(lines.length, 3);
  assert.match(lines[1] ?? '', /^2026-11-24-101502-preview-25076cd .*audit holds$/);
  assert.match(lines[2] ?? '', /is no result of npm run k6/);
});

test('a result that lacks any of its parts is refused with the name of that part', async () => {
  const runs = join(place, 'incomplete');
  const whole = recordedRun([]);
  const folder = await makeRunFolder(runs, about);
  const store = (result: unknown): Promise<void> =>
    writeFile(join(folder, 'result.json'), JSON.stringify(result));
  await store(whole);
  assert.equal((await findRun(runs, 'last')).name, whole.name);
  for (const part of Object.keys(whole).filter((key) => key !== 'format' && key !== 'name')) {
    for (const wrong of [undefined, null]) {
      await store({ ...whole, [part]: wrong });
      await assert.rejects(findRun(runs, 'last'), {
        constructor: RunError,
        message: `"${join(folder, 'result.json')}" is incomplete: it lacks ${part}`,
      });
    }
  }
  for (const name of ['../elsewhere', '/etc/run', 'a/b']) {
    await store({ ...whole, name });
    await assert.rejects(findRun(runs, 'last'), /which is no name of a folder/);
  }
});

test('settings that differ are listed, without addresses, and without those that are the default', () => {
  const environment = new Map([
    ['POLICY', 'eager'],
    ['TIMEOUT_DEFAULT_MS', '300'],
    ['TIMEOUT_FALLBACK_MS', '200'],
    ['DATABASE_URL', 'postgres://user:secret@host/db'],
    ['HOME', '/root'],
    ['JOURNAL_SYNC', ''],
  ]);
  assert.deepEqual(settingsThatDiffer(environment), {
    POLICY: 'eager',
    TIMEOUT_FALLBACK_MS: '200',
  });
});
