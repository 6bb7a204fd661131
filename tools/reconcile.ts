// `npm run reconcile`: src/reconcile.ts with the addresses of the system that `npm start` runs, if
// the environment names none.

import { join } from 'node:path';
import { socketUrl } from './system/postgres.ts';
import { readSettings } from './system/settings.ts';

const ADDRESSES = ['DATABASE_URL', 'PROCESSOR_DEFAULT_URL', 'PROCESSOR_FALLBACK_URL'] as const;

// All or none: half of another system's addresses would make everything differ.
if (ADDRESSES.every((name) => !process.env[name])) {
  const { dataDirectory, simulators } = readSettings(process.env);
  const run = join(dataDirectory, 'run');
  process.env['DATABASE_URL'] = socketUrl(join(run, 'postgres'));
  process.env['PROCESSOR_DEFAULT_URL'] = `http://127.0.0.1:${simulators[0].port}`;
  process.env['PROCESSOR_FALLBACK_URL'] = `http://127.0.0.1:${simulators[1].port}`;
  process.env['ADMIN_LISTEN'] ||= join(run, 'admin-0');
}
await import('../src/reconcile.ts');
