// Each rule of the contest, broken alone in the real submission, is found, and nothing else is:
// limits, images, networks, ports.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf } from '../../tools/contest/submission/compose-file.ts';
import { checkFolder } from '../../tools/contest/submission/folder.ts';
import { limitsOf, serviceOf, set, setLimit, testCases, type Case } from './spoiled.ts';
import { submitted } from './submitted.ts';

const MEGABYTE = 2 ** 20;

/** Computed from the file's own sum, whatever its split over the services. */
const LIMITS: readonly Case[] = [
  ['untouched, all is well', () => {}, []],
  [
    'more than 1.5 CPUs in all',
    (file) => {
      const cpusOf = (name: string): number => Number(limitsOf(file, name).cpus);
      const sum = Object.keys(file.services).reduce((cpus, name) => cpus + cpusOf(name), 0);
      limitsOf(file, 'nginx').cpus = (cpusOf('nginx') + 1.51 - sum).toFixed(3);
    },
    ['all services: 1.51 CPUs, at most 1.5'],
  ],
  [
    'more than 350 MB in all',
    (file) => {
      const bytes = (name: string): number => bytesOf(limitsOf(file, name).memory ?? 0);
      const sum = Object.keys(file.services).reduce((all, name) => all + bytes(name), 0);
      limitsOf(file, 'nginx').memory = bytes('nginx') + 351 * MEGABYTE - sum;
    },
    ['all services: 351 MB of memory, at most 350'],
  ],
  [
    'a service without a limit of cpus',
    (file) => {
      delete limitsOf(file, 'postgres').cpus;
    },
    ['postgres: has no limit of cpus'],
  ],
  [
    'a service without a limit of memory',
    (file) => {
      delete limitsOf(file, 'postgres').memory;
    },
    ['postgres: has no limit of memory'],
  ],
  [
    'a service without limits',
    (file) => {
      delete serviceOf(file, 'nginx')['deploy'];
    },
    ['nginx: has no limit of cpus', 'nginx: has no limit of memory'],
  ],
  ['0 cpus, which is no limit', setLimit('api1', { cpus: '0.0' }), ['api1: has no limit of cpus']],
  [
    'memory of 0, which is no limit',
    setLimit('api1', { memory: 0 }),
    ['api1: has no limit of memory'],
  ],
];

const IMAGES: readonly Case[] = [
  [
    'no image',
    (file) => {
      delete serviceOf(file, 'api1')['image'];
    },
    ['api1: "" is no image name'],
  ],
  [
    'an image that a variable names',
    set('api1', 'image', '${IMAGE}:1'),
    ['api1: "${IMAGE}:1" is no image name'],
  ],
  [
    'an image without a tag',
    set('nginx', 'image', 'nginx'),
    ['nginx: nginx needs a tag of a version'],
  ],
  [
    'an image of a registry with a port and without a tag',
    set('api1', 'image', 'registry.example:5000/someone/repasse'),
    ['api1: registry.example:5000/someone/repasse needs a tag of a version'],
  ],
  [
    'the tag latest',
    set('postgres', 'image', 'postgres:latest'),
    ['postgres: postgres:latest needs a tag of a version'],
  ],
  [
    'a tag that moves on, of nginx',
    set('nginx', 'image', 'nginx:1.28-bookworm'),
    ['nginx: nginx:1.28-bookworm needs the whole version in its tag'],
  ],
  [
    'a tag that moves on, of PostgreSQL',
    set('postgres', 'image', 'postgres:17-bookworm'),
    ['postgres: postgres:17-bookworm needs the whole version in its tag'],
  ],
  [
    'an image that only this machine has',
    set('api1', 'image', 'repasse:0.1.0'),
    ['api1: repasse:0.1.0 needs a registry or an owner'],
  ],
  [
    'another platform',
    set('api1', 'platform', 'linux/arm64'),
    ['api1: platform must be linux/amd64'],
  ],
];

const NETWORKS: readonly Case[] = [
  [
    'a network of our own in place of the processors',
    (file) => {
      file.networks['payment-processor'] = null;
    },
    ['network payment-processor must be there and external'],
  ],
  [
    'a network that is no bridge',
    (file) => {
      file.networks['backend'] = { driver: 'overlay' };
    },
    ['network backend: must be a bridge'],
  ],
  [
    'one instance',
    (file) => {
      delete file.services['api2'];
    },
    ['1 instances on payment-processor, at least 2'],
  ],
];

const PORTS: readonly Case[] = [
  [
    'another port',
    set('nginx', 'ports', ['9998:9999']),
    ['published ports are [9998:9999], must be 9999 alone'],
  ],
  [
    'two services with ports',
    set('postgres', 'ports', ['9999:5432']),
    ['published ports are [9999:9999, 9999:5432], must be 9999 alone'],
  ],
];

testCases([...LIMITS, ...IMAGES, ...NETWORKS, ...PORTS]);

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
  assert.equal(bytesOf('much'), Number.NaN);
});
