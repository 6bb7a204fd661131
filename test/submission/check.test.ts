// Each rule of the contest, broken alone in the real submission, is found, and nothing else is.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { bytesOf } from '../../tools/submission/compose-file.ts';
import { checkFolder } from '../../tools/submission/folder.ts';
import { submitted } from './submitted.ts';

interface Breakable {
  services: Record<string, Record<string, unknown>>;
  networks: Record<string, Record<string, unknown> | null>;
}

type Limits = { resources: { limits: { cpus?: string; memory?: string | number } } };

/** What is found when `spoil` has been at the compose file. */
async function faultsAfter(spoil: (file: Breakable) => void): Promise<string[]> {
  const folder = new Map(await submitted());
  // Without aliases: what one service gets must not reach the others.
  const text = folder.get('docker-compose.yml') ?? '';
  const file = structuredClone(
    JSON.parse(JSON.stringify(parse(text, { merge: true }))),
  ) as Breakable;
  spoil(file);
  folder.set('docker-compose.yml', stringify(file));
  return checkFolder(folder);
}

const service = (file: Breakable, name: string): Record<string, unknown> => {
  const found = file.services[name];
  assert.ok(found);
  return found;
};

const limitsOf = (file: Breakable, name: string): Limits['resources']['limits'] =>
  (service(file, name)['deploy'] as Limits).resources.limits;

/** Over all services: how it is split is nobody's business here. */
const sumOf = (
  file: Breakable,
  figureOf: (limits: Limits['resources']['limits']) => number,
): number =>
  Object.keys(file.services).reduce((sum, name) => sum + figureOf(limitsOf(file, name)), 0);

interface Case {
  readonly rule: string;
  readonly spoil: (file: Breakable) => void;
  readonly faults: readonly string[];
}

const CASES: readonly Case[] = [
  { rule: 'untouched, all is well', spoil: () => {}, faults: [] },
  {
    rule: 'more than 1.5 CPUs in all',
    spoil: (file) => {
      const room = 1.5 - sumOf(file, ({ cpus }) => Number(cpus));
      const limits = limitsOf(file, 'nginx');
      limits.cpus = (Number(limits.cpus) + room + 0.01).toFixed(3);
    },
    faults: ['all services: 1.51 CPUs, at most 1.5'],
  },
  {
    rule: 'more than 350 MB in all',
    spoil: (file) => {
      const bytes = (memory: unknown): number => bytesOf(String(memory)) ?? 0;
      const room = 350 * 2 ** 20 - sumOf(file, ({ memory }) => bytes(memory));
      const limits = limitsOf(file, 'nginx');
      limits.memory = bytes(limits.memory) + room + 2 ** 20;
    },
    faults: ['all services: 351 MB of memory, at most 350'],
  },
  {
    rule: 'a service without a limit of memory',
    spoil: (file) => {
      delete limitsOf(file, 'postgres').memory;
    },
    faults: ['postgres: has no limit of memory'],
  },
  {
    rule: 'a service without limits',
    spoil: (file) => {
      delete service(file, 'nginx')['deploy'];
    },
    faults: ['nginx: has no limit of cpus', 'nginx: has no limit of memory'],
  },
  {
    rule: 'privileged',
    spoil: (file) => {
      service(file, 'api1')['privileged'] = true;
    },
    faults: ['api1: is privileged'],
  },
  {
    rule: 'the network of the host',
    spoil: (file) => {
      service(file, 'nginx')['network_mode'] = 'host';
    },
    faults: ['nginx: network_mode is host'],
  },
  {
    rule: 'replicas',
    spoil: (file) => {
      Object.assign(service(file, 'api2')['deploy'] as object, { replicas: 2 });
    },
    faults: ['api2: has replicas'],
  },
  {
    rule: 'scale',
    spoil: (file) => {
      service(file, 'api2')['scale'] = 2;
    },
    faults: ['api2: has replicas'],
  },
  {
    rule: 'an image that is built there',
    spoil: (file) => {
      service(file, 'api1')['build'] = '.';
    },
    faults: ['api1: is built, must be a published image'],
  },
  {
    rule: 'no image',
    spoil: (file) => {
      delete service(file, 'api1')['image'];
    },
    faults: ['api1: "" is no image name'],
  },
  {
    rule: 'an image that a variable names',
    spoil: (file) => {
      service(file, 'api1')['image'] = '${IMAGE}:1';
    },
    faults: ['api1: "${IMAGE}:1" is no image name'],
  },
  {
    rule: 'an image without a tag',
    spoil: (file) => {
      service(file, 'nginx')['image'] = 'nginx';
    },
    faults: ['nginx: nginx needs a tag of a version'],
  },
  {
    rule: 'an image of a registry with a port and without a tag',
    spoil: (file) => {
      service(file, 'api1')['image'] = 'registry.example:5000/someone/repasse';
    },
    faults: ['api1: registry.example:5000/someone/repasse needs a tag of a version'],
  },
  {
    rule: 'the tag latest',
    spoil: (file) => {
      service(file, 'postgres')['image'] = 'postgres:latest';
    },
    faults: ['postgres: postgres:latest needs a tag of a version'],
  },
  {
    rule: 'an image that only this machine has',
    spoil: (file) => {
      service(file, 'api1')['image'] = 'repasse:0.1.0';
    },
    faults: ['api1: repasse:0.1.0 is of nobody, needs a registry or an owner'],
  },
  {
    rule: 'another platform',
    spoil: (file) => {
      service(file, 'api1')['platform'] = 'linux/arm64';
    },
    faults: ['api1: platform must be linux/amd64'],
  },
  {
    rule: 'a file that is not in the folder',
    spoil: (file) => {
      service(file, 'nginx')['volumes'] = ['./nginx.conf:/etc/nginx/nginx.conf:ro'];
    },
    faults: ['nginx: mounts ./nginx.conf, which is not in the folder'],
  },
  {
    rule: 'the engine of the host',
    spoil: (file) => {
      const socket = '/var/run/docker.sock';
      service(file, 'nginx')['volumes'] = [{ type: 'bind', source: socket, target: socket }];
    },
    faults: ['nginx: mounts /var/run/docker.sock, which is not in the folder'],
  },
  {
    rule: 'a network of our own in place of the processors',
    spoil: (file) => {
      file.networks['payment-processor'] = null;
    },
    faults: ['network payment-processor must be there and external'],
  },
  {
    rule: 'a network that is no bridge',
    spoil: (file) => {
      file.networks['backend'] = { driver: 'overlay' };
    },
    faults: ['network backend: must be a bridge'],
  },
  {
    rule: 'another port',
    spoil: (file) => {
      service(file, 'nginx')['ports'] = ['9998:9999'];
    },
    faults: ['0 services publish port 9999, must be one'],
  },
  {
    rule: 'one instance',
    spoil: (file) => {
      delete file.services['api2'];
    },
    faults: ['1 API instances on payment-processor, at least 2'],
  },
];

for (const { rule, spoil, faults } of CASES) {
  test(`compose file: ${rule}`, async () => {
    assert.deepEqual(await faultsAfter(spoil), faults);
  });
}

test('a compose file that is not YAML is one fault', async () => {
  const folder = new Map(await submitted()).set('docker-compose.yml', 'services: [');
  const faults = checkFolder(folder);
  assert.equal(faults.length, 1);
  assert.match(faults[0] ?? '', /^docker-compose\.yml is not YAML: /);
});

test('sizes are read as Compose reads them', () => {
  for (const text of ['20MB', '20mb', '20M', '20m', '20480k', '20971520', '20971520b']) {
    assert.equal(bytesOf(text), 20 * 2 ** 20, text);
  }
  assert.equal(bytesOf('0.5g'), 2 ** 29);
  assert.equal(bytesOf('much'), undefined);
});
