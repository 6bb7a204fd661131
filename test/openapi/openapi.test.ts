// The OpenAPI descriptions, against a running system: right and wrong requests for each operation,
// through nginx and at an admin server. Levers are pulled at payments that are held.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { parse } from 'yaml';
import { heal } from '../../tools/soak/mischief.ts';
import { Client } from '../world/client.ts';
import { freePort } from '../world/free-port.ts';
import { needs } from '../world/needs.ts';
import { makeTempDirectory } from '../world/temp-directory.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openWorld, type World } from '../world/world.ts';
import { conforms, schemathesisFault } from './schemathesis.ts';

const PUBLIC = 'docs/openapi.yaml';
const ADMIN = 'docs/openapi-admin.yaml';
const ADDRESSED = '/payments/{correlationId}';
const LEVERS = ['retry', 'send', 'give-up'] as const;
const TOKEN = '0123456789abcdef-secret';
const bearer = { authorization: `Bearer ${TOKEN}` };

const fault = await schemathesisFault();
const needed = needs(fault ?? 'nothing', fault === undefined);
const directory = makeTempDirectory();
let world: World;
let admin: Client;
let url = '';

before(async () => {
  if (needed.skip !== false) return;
  world = await openWorld();
  url = `http://127.0.0.1:${await freePort()}`;
  await world.instance(0).kill('SIGTERM');
  await world
    .instance(0)
    .restart({ ADMIN_LISTEN: url.slice('http://'.length), ADMIN_TOKEN: TOKEN });
  await world.instance(0).becomes('agreed');
  admin = new Client(url);
});
after(async () => {
  admin?.close();
  await world?.close();
});

const read = (
  path: string,
): { readonly info: { readonly version: string }; readonly paths: object } =>
  parse(readFileSync(path, 'utf8')) as ReturnType<typeof read>;

test('the descriptions have the version of the package, and each path is in the guide', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const guide = readFileSync('README.md', 'utf8') + readFileSync('docs/OPERATIONS.md', 'utf8');
  for (const description of [read(PUBLIC), read(ADMIN)]) {
    assert.equal(description.info.version, version);
    for (const path of Object.keys(description.paths)) {
      // A lever stands in the guide without the payment before it.
      const name = path.replace(/^\/payments\/\{correlationId\}\/(?=send|give-up)/, '…/');
      assert.ok(guide.includes(name), path);
    }
  }
});

test('the API is as docs/openapi.yaml says', needed, async () => {
  await conforms({ description: PUBLIC, url: world.front.url }, directory);
  for (const { program } of world.instances) assert.ok(program.running);
});

test('the admin server is as docs/openapi-admin.yaml says', needed, async () => {
  // Events have no end.
  const only = ['--exclude-path', '/events'];
  await conforms({ description: ADMIN, url, token: TOKEN, only }, directory);
  for (const headers of [{}, bearer]) {
    const { status } = await admin.send('HEAD', '/events', { headers });
    assert.equal(status, 'authorization' in headers ? 200 : 401);
  }
});

test('levers at held payments are as docs/openapi-admin.yaml says', needed, async () => {
  for (const { levers } of world.processors) await levers.setFault({ kind: 'status', status: 500 });
  const ids: string[] = [];
  for (const lever of LEVERS) {
    const id = randomUUID();
    assert.equal((await world.client.pay(id, '19.90')).status, 202);
    ids.push(id);
    const only = ['--include-path', `${ADDRESSED}/${lever}`, '--include-path', ADDRESSED];
    await conforms({ description: ADMIN, url, token: TOKEN, correlationId: id, only }, directory);
  }
  const { body } = await admin.send('GET', '/actions?limit=1000', { headers: bearer });
  const { actions } = JSON.parse(body) as { actions: readonly { action: string }[] };
  const done = new Set(actions.map(({ action }) => action));
  assert.deepEqual([...done].toSorted(), ['give up', 'retry', 'send']);
  await heal(world.processors);
  // They have failed often, and would wait for long.
  const order = { body: '{"actor":"ana","reason":"the processors are well"}', headers: bearer };
  for (const id of ids) await admin.send('POST', `/payments/${id}/retry`, order);
  const states = async (): Promise<string[]> => {
    const asked = ids.map((id) => admin.send('GET', `/payments/${id}`, { headers: bearer }));
    const answers = await Promise.all(asked);
    return answers.map((answer) => (JSON.parse(answer.body) as { state: string }).state);
  };
  const settled = async (): Promise<boolean> =>
    (await states()).join() === 'settled,settled,given up';
  await waitUntil('the others are settled', settled, { withinMs: 60_000 });
});
