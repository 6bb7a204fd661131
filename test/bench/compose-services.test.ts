// The limits and the settings of the submission, as the compose file has them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readServices, servicesOf } from '../../bench/sustained/compose-services.ts';

test('the limits of the submission are read: 1.5 CPU and 350 MB in all', () => {
  const services = [...readServices(['docker-compose.yml']).values()];
  const sum = (of: (number: number) => number): number =>
    services.reduce((total, _, index) => total + of(index), 0);
  assert.equal(sum((index) => services[index]?.limits.cpus ?? 0).toFixed(2), '1.50');
  assert.equal(
    sum((index) => services[index]?.limits.memoryBytes ?? 0),
    350 * 2 ** 20,
  );
});

test("an instance's settings are read, variables with their defaults", () => {
  const environment = readServices(['docker-compose.yml']).get('api2')?.environment;
  assert.equal(environment?.['POLICY'], 'thrifty');
  assert.equal(environment?.['BATCH_WAIT_MS'], '200');
  assert.equal(environment?.['SOCKET_PATH'], '/run/sockets/api2.sock');
});

test('a later file changes what it names, and nothing else', () => {
  const first = `
services:
  api1:
    environment: { A: "1", B: \${B:-two} }
    deploy: { resources: { limits: { cpus: "0.45", memory: 106MB } } }
`;
  const second = `
services:
  api1:
    environment: { A: 3 }
    deploy: { resources: { limits: { cpus: "0.5" } } }
`;
  assert.deepEqual(servicesOf([first, second]).get('api1'), {
    limits: { cpus: 0.5, memoryBytes: 106 * 2 ** 20 },
    environment: { A: '3', B: 'two' },
  });
  assert.throws(() => servicesOf([first.replace('106MB', 'much')]), /"much" is no size/);
});
