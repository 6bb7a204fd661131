// The tables of docs/SETTINGS.md, from the settings as the program has them.

import type { Setting } from '../src/config/setting-kinds.ts';
import { SETTING_GROUPS } from '../src/config/settings.ts';

export const SETTINGS_FILE = 'docs/SETTINGS.md';

/** The tables are between these lines. */
const BEGIN = '<!-- The tables are written by `npm run docs:settings`. -->\n';
const END = '<!-- The end of the tables. -->\n';

/** Returns the document with the tables as they are now. @throws if it lacks a mark */
export function withSettings(document: string): string {
  const begin = document.indexOf(BEGIN);
  const end = document.indexOf(END);
  if (begin < 0 || end < begin)
    throw new Error(`${SETTINGS_FILE} has lost the marks of its tables`);
  const tables = Object.entries(SETTING_GROUPS).map(([group, settings]) =>
    [
      `\n## Settings: ${group}\n`,
      '<!-- oxfmt-ignore -->',
      '| setting | default | bounds | meaning |',
      '| --- | --- | --- | --- |',
      ...Object.entries<Setting>(settings).map(
        ([name, setting]) => `| \`${name}\` | ${boundsOf(setting)} | ${setting.meaning} |`,
      ),
    ].join('\n'),
  );
  return `${document.slice(0, begin)}${BEGIN}${tables.join('\n')}\n\n${document.slice(end)}`;
}

function boundsOf(setting: Setting): string {
  if ('preset' in setting) {
    const { preset, unit, min, max } = setting;
    return `${preset} ${unit} | ${min} to ${max}`;
  }
  if ('words' in setting) return `${setting.words[0]} | ${setting.words.join(', ')}`;
  return `${setting.otherwise ?? 'none: it is required'} |`;
}
