// The metric that says which version runs, and with which settings. Alerts compare it.

import type { Config } from '../config/config.ts';
import { VERSION } from '../log/log.ts';
import { gauge, type Family } from './exposition.ts';
import { settingsHash } from './settings-hash.ts';

export function buildInfo(config: Config): Family {
  const labels = { version: VERSION, node: process.version, settings: settingsHash(config) };
  const help = 'The version, and a hash of the settings without secrets.';
  return gauge('build_info', help, [{ labels, value: 1 }]);
}
