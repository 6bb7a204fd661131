// What is wrong with the options of a command line, in words of our own. Node's tell a user about
// parseArgs.

import { parseArgs, type ParseArgsConfig } from 'node:util';

type Options = NonNullable<ParseArgsConfig['options']>;

/** A line that names the first option that can't be used; undefined if each can. */
export function faultOfWords(args: readonly string[], options: Options): string | undefined {
  const { tokens } = parseArgs({
    args: [...args],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const { name, rawName, value, inlineValue } = token;
    const type = Object.hasOwn(options, name) ? options[name]?.type : undefined;
    if (type === undefined) return `the option ${rawName} is not known`;
    if (type === 'boolean') {
      if (value !== undefined) return `${rawName} takes no value`;
    } else if (value === undefined) {
      return `${rawName} needs a value`;
    } else if (!inlineValue && /^-./.test(value)) {
      return `${rawName} needs a value; one that begins with a dash is written ${rawName}=${value}`;
    }
  }
  return undefined;
}
