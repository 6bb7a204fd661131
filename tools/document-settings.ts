// `npm run docs:settings`: writes the tables of docs/SETTINGS.md again.

import { readFileSync, writeFileSync } from 'node:fs';
import { readCommandLine } from './command-line.ts';
import { SETTINGS_FILE, withSettings } from './settings-tables.ts';

readCommandLine({
  name: 'docs:settings',
  does: `Writes the tables of ${SETTINGS_FILE} again, from the settings as the program has them.`,
  takes: 'Takes a second.',
});
writeFileSync(SETTINGS_FILE, withSettings(readFileSync(SETTINGS_FILE, 'utf8')));
