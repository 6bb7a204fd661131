// What a service may not take of the host, and what the folder may not take from elsewhere: each alone in the real submission.

import { set, setDeploy, testCases, type Case } from './spoiled.ts';

const NAMESPACES = ['pid', 'ipc', 'uts', 'cgroup', 'userns_mode'].map((key): Case => [
  `${key} of the host`,
  set('api2', key, 'host'),
  [`api2: ${key} is host`],
]);

const MODES: readonly Case[] = [
  ['privileged', set('api1', 'privileged', true), ['api1: is privileged']],
  ['privileged by another word', set('api1', 'privileged', 'yes'), ['api1: is privileged']],
  ['not privileged in so many words', set('api1', 'privileged', false), []],
  ['the network of the host', set('nginx', 'network_mode', 'host'), ['nginx: has network_mode']],
  [
    'the network of another service',
    set('api1', 'network_mode', 'service:nginx'),
    ['api1: has network_mode'],
  ],
  ['all rights', set('nginx', 'cap_add', ['CHOWN', 'all']), ['nginx: has all rights']],
  ['devices', set('postgres', 'devices', ['/dev/sda:/dev/sda']), ['postgres: has devices']],
  [
    'rules for devices',
    set('postgres', 'device_cgroup_rules', ['a *:* rwm']),
    ['postgres: has device_cgroup_rules'],
  ],
  ['graphics processors', set('postgres', 'gpus', 'all'), ['postgres: has gpus']],
];

const NUMBERS: readonly Case[] = [
  ['replicas', setDeploy('api2', 'replicas', 2), ['api2: has replicas']],
  ['scale', set('api2', 'scale', 2), ['api2: has replicas']],
  [
    'an instance on every machine',
    setDeploy('api1', 'mode', 'global'),
    ['api1: deploy.mode must be replicated'],
  ],
  ['the usual mode', setDeploy('api1', 'mode', 'replicated'), []],
];

const DOCKER = '/var/run/docker.sock';

const CONTENT: readonly Case[] = [
  [
    'a file that is not in the folder',
    set('nginx', 'volumes', ['./nginx.conf:/etc/nginx/nginx.conf:ro']),
    ['nginx: mounts ./nginx.conf, which is not in the folder'],
  ],
  [
    'a file that is not in the folder, named without a dot',
    set('nginx', 'volumes', [{ type: 'bind', source: 'etc', target: '/etc/nginx' }]),
    ['nginx: mounts ./etc, which is not in the folder'],
  ],
  [
    'a file that a variable names',
    set('nginx', 'volumes', ['$HOME:/home']),
    ['nginx: mounts $HOME, which is not in the folder'],
  ],
  [
    'the engine of the host',
    set('nginx', 'volumes', [{ type: 'bind', source: DOCKER, target: DOCKER }]),
    [`nginx: mounts ${DOCKER}, which is not in the folder`],
  ],
  [
    'a path of the host behind the name of a volume',
    (file) => {
      file.volumes['ledger'] = { driver_opts: { type: 'none', o: 'bind', device: '/srv' } };
    },
    ['volume ledger: is a path of the host'],
  ],
  [
    'a service that extends one elsewhere',
    set('api1', 'extends', { file: 'common.yml', service: 'api' }),
    ['api1: has extends'],
  ],
  ['an environment from a file', set('api1', 'env_file', '.env'), ['api1: has env_file']],
  [
    'another compose file, included',
    (file) => {
      file['include'] = ['more.yml'];
    },
    ['include does not belong in the file'],
  ],
  [
    'a configuration from another file',
    (file) => {
      file['configs'] = { nginx: { file: './nginx.conf' } };
    },
    ['configs does not belong in the file'],
  ],
];

testCases([...NAMESPACES, ...MODES, ...NUMBERS, ...CONTENT]);
