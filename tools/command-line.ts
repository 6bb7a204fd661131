// Reads a command line and prints its --help, both from one description. A wrong argument or option
// ends the program with 2, and with one line that names it.

import { parseArgs } from 'node:util';
import { faultOfWords } from '../src/command-words.ts';

/** An argument or an option. Its value is a number if `least` is set, else of `preset`'s type. */
interface Parameter {
  readonly about: string;
  /** Without it the parameter must be given, unless `otherwise` says what holds instead. */
  readonly preset?: string | number | boolean;
  readonly otherwise?: string;
  readonly oneOf?: readonly string[];
  /** An option that may be given several times. Its value is a list, empty without it. */
  readonly many?: true;
  /** The smallest whole number, or with `fraction` any number, that is allowed. */
  readonly least?: number;
  readonly most?: number;
  readonly fraction?: true;
}

const COLUMNS = 90;

type Parameters = Readonly<Record<string, Parameter>>;

export interface Command {
  /** As npm knows it: "bench:journal". */
  readonly name: string;
  readonly does: string;
  readonly needs?: string;
  readonly takes: string;
  /** The arguments, in order. */
  readonly words?: Parameters;
  /** Any number of further arguments. */
  readonly furtherWords?: { readonly name: string; readonly about: string };
  readonly options?: Parameters;
  /** Environment variables. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Exit codes. */
  readonly ends?: Readonly<Record<number, string>>;
}

type ValueOf<P extends Parameter> =
  | (P extends { readonly many: true }
      ? readonly string[]
      : P extends { readonly least: number }
        ? number
        : P extends { readonly oneOf: readonly (infer T)[] }
          ? T
          : P extends { readonly preset: boolean }
            ? boolean
            : string)
  | (P extends { readonly otherwise: string } ? undefined : never);

type ValuesOf<P> = { readonly [K in keyof P]: P[K] extends Parameter ? ValueOf<P[K]> : never };

/** The message is a line that says what to change. */
class UsageError extends Error {}

type ValuesIn<C extends Command> = ValuesOf<C['words']> &
  ValuesOf<C['options']> & { readonly further: readonly string[] };

/** The values of arguments and options, by name. Ends the program on --help and on an error. */
export function readCommandLine<const C extends Command>(
  command: C,
  args: readonly string[] = process.argv.slice(2),
): ValuesIn<C> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(`${usageOf(command)}\n`);
    process.exit(0);
  }
  try {
    return valuesOf(command, args) as unknown as ValuesIn<C>;
  } catch (error) {
    if (error instanceof UsageError) endWithUsage(command, error.message);
    throw error;
  }
}

/** Ends the program with 2, and with what is wrong in one line. */
export function endWithUsage({ name }: Command, wrong: string): never {
  process.stderr.write(`${name}: ${wrong}\nnpm run ${name} -- --help says what it takes\n`);
  process.exit(2);
}

function valuesOf(
  { words = {}, options = {}, furtherWords }: Command,
  args: readonly string[],
): object {
  const { values, positionals } = parsed(options, args);
  const names = Object.keys(words);
  const further = positionals.slice(names.length);
  if (furtherWords === undefined && further.length > 0) {
    throw new UsageError(`the argument "${further[0]}" is not known`);
  }
  const found: Record<string, unknown> = { further };
  for (const [index, name] of names.entries()) {
    found[name] = valueOf(name, words[name] as Parameter, positionals[index]);
  }
  for (const [name, option] of Object.entries(options)) {
    found[name] = valueOf(`--${name}`, option, values[name]);
  }
  return found;
}

function parsed(options: Parameters, args: readonly string[]): ReturnType<typeof parseArgs> {
  const types = Object.entries(options).map(
    ([name, { preset, many }]) =>
      [
        name,
        { type: typeof preset === 'boolean' ? 'boolean' : 'string', multiple: many === true },
      ] as const,
  );
  const known = Object.fromEntries(types);
  const fault = faultOfWords(args, known);
  if (fault !== undefined) throw new UsageError(fault);
  return parseArgs({ args, options: known, allowPositionals: true });
}

type Given = ReturnType<typeof parseArgs>['values'][string];

function valueOf(name: string, parameter: Parameter, given: Given): unknown {
  const { preset, otherwise, oneOf, many, least, most = Infinity, fraction } = parameter;
  if (many) return given ?? [];
  if (given === undefined) {
    if (preset !== undefined || otherwise !== undefined) return preset;
    throw new UsageError(`${name} is missing${oneOf ? `: ${oneOf.join(' or ')}` : ''}`);
  }
  if (oneOf !== undefined && !oneOf.includes(given as string)) {
    throw new UsageError(`${name} is "${String(given)}", must be ${oneOf.join(' or ')}`);
  }
  if (least === undefined) return given;
  const value = given === '' ? Number.NaN : Number(given);
  if (value >= least && value <= most && (fraction || Number.isInteger(value))) return value;
  const kind = fraction ? 'a number' : 'a whole number';
  const range = most === Infinity ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new UsageError(`${name} is "${String(given)}", must be ${kind} ${range}`);
}

function usageOf(command: Command): string {
  const { name, does, needs, takes, words = {}, options = {}, furtherWords } = command;
  const dashed = Object.entries(options).map(([key, option]) => [`--${key}`, option] as const);
  const form = Object.entries(words)
    .map(([word, parameter]) => (isNeeded(parameter) ? word : `[${word}]`))
    .concat(furtherWords === undefined ? [] : `[${furtherWords.name} …]`)
    .concat(dashed.length > 0 ? ['[options]'] : []);
  const parts = [
    `npm run ${name}${form.length > 0 ? ' -- ' : ''}${form.join(' ')}`,
    wrapped(does, 0),
    `${needs === undefined ? '' : `${wrapped(`Needs ${needs}.`, 0)}\n`}${wrapped(takes, 0)}`,
    section('Arguments', Object.entries(words), textOf),
    furtherWords === undefined ? '' : wrapped(`${furtherWords.name}: ${furtherWords.about}`, 2),
    section('Options', dashed, textOf),
    section('Environment', Object.entries(command.environment ?? {}), String),
    section('Exit codes', Object.entries(command.ends ?? {}), String),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

const isNeeded = ({ preset, otherwise }: Parameter): boolean =>
  preset === undefined && otherwise === undefined;

function textOf(parameter: Parameter): string {
  const { about, preset, otherwise, oneOf } = parameter;
  const choices = oneOf === undefined ? '' : `: ${oneOf.join(', ')}`;
  if (isNeeded(parameter)) return `${about}${choices} (must be given)`;
  const usual = otherwise ?? (typeof preset === 'boolean' ? '' : String(preset));
  return `${about}${choices}${usual === '' ? '' : ` (default: ${usual})`}`;
}

function section<T>(
  title: string,
  entries: readonly (readonly [string, T])[],
  text: (entry: T) => string,
): string {
  const width = Math.max(...entries.map(([name]) => name.length)) + 4;
  const lines = entries.map(
    ([name, entry]) => `  ${name}`.padEnd(width) + wrapped(text(entry), width).trimStart(),
  );
  return lines.length === 0 ? '' : `${title}:\n${lines.join('\n')}`;
}

/** Lines of at most COLUMNS, each after `indent` blanks. */
export function wrapped(text: string, indent: number): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1) ?? ''} ${word}`;
    if (lines.length === 0 || longer.length + indent > COLUMNS) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines.map((line) => ' '.repeat(indent) + line).join('\n');
}
