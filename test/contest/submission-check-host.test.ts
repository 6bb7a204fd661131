// What a service may not take of the host, and what the folder may not take from elsewhere: each
// alone in the real submission.

import { set, setDeploy, testCases, type Case } from './spoiled.ts';

/** Everything that is not on the list is refused in the same way. */
const UNLISTED =
  'privileged build pid ipc cgroup userns_mode network_mode devices gpus extends env_file'
    .split(' ')
    .map((key): Case => [key, set('api2', key, 'host'), [`api2: ${key} is not allowed`]]);

const RIGHTS: readonly Case[] = [
  ['all rights', set('nginx', 'cap_add', ['CHOWN', 'all']), ['nginx: has all rights']],
  ['replicas', setDeploy('api2', 'replicas', 2), ['api2: deploy: replicas is not allowed']],
];

const CONTENT: readonly Case[] = [
  [
    'a file that is not in the folder',
    set('nginx', 'volumes', ['./nginx.conf:/etc/nginx/nginx.conf:ro']),
    ['nginx: mounts ./nginx.conf, which is not in the folder'],
  ],
  [
    'a file that a variable names',
    set('nginx', 'volumes', ['$HOME:/home']),
    ['nginx: mounts $HOME, which is not in the folder'],
  ],
  [
    'a path of the host in the long form',
    set('nginx', 'volumes', [{ type: 'bind', source: '/etc', target: '/etc/nginx' }]),
    ['nginx: mounts a path, which is not in the folder'],
  ],
  [
    'a path of the host behind the name of a volume',
    (file) => {
      file.volumes['ledger'] = { driver_opts: { type: 'none', o: 'bind', device: '/srv' } };
    },
    ['volume ledger: must not be a path of the host'],
  ],
  [
    'another compose file, included',
    (file) => {
      file['include'] = ['more.yml'];
    },
    ['docker-compose.yml: include is not allowed'],
  ],
];

testCases([...UNLISTED, ...RIGHTS, ...CONTENT]);
