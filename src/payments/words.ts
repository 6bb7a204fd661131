// The words and options of the command.

import { userInfo } from 'node:os';
import { parseArgs } from 'node:util';
import { LIMIT_MAX } from '../api/list-query.ts';
import { faultOfActor, faultOfReason, type Fault } from '../api/order-json.ts';
import { faultOfWords } from '../command-words.ts';
import { isId } from '../payment.ts';
import { isStage, STAGES } from '../watch/stages.ts';
import { wrongWords } from './failure.ts';

export const USAGE = `npm run payments -- <command> [options]

Shows the payments that the instances hold, and acts on one that is stuck, over the admin server of
any instance. docs/OPERATIONS.md says when to do what.

  list                  the held payments of all instances, oldest first [--state] [--limit]
  stuck                 those that need a look: set aside, of unknown outcome, in doubt, or older
                        than 10 s [--limit]
  show <id>             all that is known of one payment, its anomalies and operator actions
  retry <id…>           tries it, or asks its processor about it, now [--reason]
  retry --all --state … the same for the listed payments in that state [--limit] [--reason]
  send <id>             an attempt at the processor --to default or fallback, now (--reason)
  give-up <id>          ends it without a charge (--reason) [--may-be-charged] [--yes]
  anomalies, actions    contradictions, and what operators did; newest first [--limit]
  journal <file>        what a journal holds, read only [--id] [--limit]

  --state "set aside"   or: queued, at a processor, unrecorded, in doubt, unverified, giving up,
                        for another
  --limit 100           at most so many rows, from 1 to 1000 (journal: to 10000000)
  --reason "…"          why you do it; it is kept beside the action
  --actor ana           who does it (default: your login name)
  --may-be-charged      you know that a processor may have charged the payment all the same
  --yes                 give-up asks for no confirmation
  --admin …             the admin server: path of its socket, or host:port (default: ADMIN_LISTEN,
                        else .data/run/admin-0 or admin-1 of an npm start, below DATA_DIR)
  --json                one line of JSON instead of text (npm run -s payments -- … prints no more)

Environment: ADMIN_TOKEN is the token of an admin server at host:port.

Exit codes:
  0  done, or (202) it will be done
  1  not done or not possible now, and why; or an instance did not answer, so a list lacks some
  2  a word or a setting cannot be used`;

const OPTIONS = {
  admin: { type: 'string' },
  state: { type: 'string' },
  limit: { type: 'string' },
  reason: { type: 'string' },
  actor: { type: 'string' },
  to: { type: 'string' },
  id: { type: 'string' },
  all: { type: 'boolean' },
  'may-be-charged': { type: 'boolean' },
  yes: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Option = keyof typeof OPTIONS;
const ASKS: readonly Option[] = ['admin', 'json', 'help'];
const ACTS: readonly Option[] = [...ASKS, 'reason', 'actor'];

/** The options of each command, and what it takes besides. */
const COMMANDS = {
  list: { takes: 'nothing', options: [...ASKS, 'state', 'limit'] },
  stuck: { takes: 'nothing', options: [...ASKS, 'limit'] },
  show: { takes: 'id', options: ASKS },
  retry: { takes: 'ids', options: [...ACTS, 'all', 'state', 'limit'] },
  send: { takes: 'id', options: [...ACTS, 'to'] },
  'give-up': { takes: 'id', options: [...ACTS, 'may-be-charged', 'yes'] },
  anomalies: { takes: 'nothing', options: [...ASKS, 'limit'] },
  actions: { takes: 'nothing', options: [...ASKS, 'limit'] },
  journal: { takes: 'file', options: ['id', 'limit', 'json', 'help'] },
} as const satisfies Readonly<
  Record<string, { takes: 'nothing' | 'id' | 'ids' | 'file'; options: readonly Option[] }>
>;

type CommandName = keyof typeof COMMANDS;

const LIMIT = 100;
const JOURNAL_LIMIT_MAX = 10_000_000;

export interface Words {
  readonly command: CommandName | 'help';
  /** The first one; '' without one. */
  readonly id: string;
  readonly ids: readonly string[];
  readonly file: string;
  readonly admin: string | undefined;
  readonly state: string | undefined;
  readonly limit: number;
  readonly all: boolean;
  readonly reason: string;
  readonly actor: string;
  readonly to: string;
  readonly mayBeCharged: boolean;
  readonly yes: boolean;
  readonly json: boolean;
}

/** @throws Failure with 2 */
export function readWords(args: readonly string[]): Words {
  const { positionals, values } = parsed(args);
  const [command = '', ...given] = positionals;
  if (values.help === true) return { ...wordsOf('list', values, []), command: 'help' };
  if (!isCommand(command)) {
    const names = Object.keys(COMMANDS).join(', ');
    throw wrongWords(`"${command}" is not one of: ${names} (see --help)`);
  }
  const known: readonly string[] = COMMANDS[command].options;
  const foreign = Object.keys(values).find((option) => !known.includes(option));
  if (foreign !== undefined) throw wrongWords(`${command} takes no --${foreign} (see --help)`);
  const words = wordsOf(command, values, given);
  checkGiven(command, given, words.all);
  if (command !== 'journal') return checkTogether(words, values);
  return { ...words, id: values.id === undefined ? '' : idOf(values.id) };
}

const isCommand = (word: string): word is CommandName => Object.hasOwn(COMMANDS, word);

function parsed(args: readonly string[]): ReturnType<typeof parseAll> {
  const fault = faultOfWords(args, OPTIONS);
  if (fault !== undefined) throw wrongWords(`${fault} (see --help)`);
  return parseAll(args);
}

const parseAll = (args: readonly string[]) =>
  parseArgs({ args: [...args], allowPositionals: true, options: OPTIONS });

type Values = ReturnType<typeof parseAll>['values'];

function wordsOf(command: CommandName, values: Values, given: readonly string[]): Words {
  const { state, reason, actor, to = '' } = values;
  const { takes } = COMMANDS[command];
  const ids = takes === 'id' || takes === 'ids' ? given.map(idOf) : [];
  if (state !== undefined && !isStage(state)) {
    throw wrongWords(`--state "${state}" is not one of: ${STAGES.join(', ')}`);
  }
  const most = command === 'journal' ? JOURNAL_LIMIT_MAX : LIMIT_MAX;
  return {
    command,
    ids: [...new Set(ids)],
    id: ids[0] ?? '',
    file: takes === 'file' ? (given[0] ?? '') : '',
    admin: values.admin,
    state,
    limit: values.limit === undefined ? LIMIT : limitOf(values.limit, most),
    all: values.all === true,
    reason: reason === undefined ? '' : textOf(reason, faultOfReason(reason)),
    actor: actor === undefined ? loginName() : textOf(actor, faultOfActor(actor)),
    to,
    mayBeCharged: values['may-be-charged'] === true,
    yes: values.yes === true,
    json: values.json === true,
  };
}

function checkGiven(command: CommandName, given: readonly string[], isAll: boolean): void {
  const { takes } = COMMANDS[command];
  const most = takes === 'nothing' || isAll ? 0 : takes === 'ids' ? LIMIT_MAX : 1;
  const further = given[most];
  if (further !== undefined) throw wrongWords(`the argument "${further}" is too much (see --help)`);
  if (most === 0 || given.length > 0) return;
  const wanted = takes === 'file' ? 'the file of a journal' : 'the id of a payment';
  throw wrongWords(`${command} needs ${wanted}${takes === 'ids' ? ', or --all --state …' : ''}`);
}

function checkTogether(words: Words, values: Values): Words {
  const { command, all, state, to, reason } = words;
  if (command === 'retry' && all && state === undefined) {
    throw wrongWords('retry --all needs --state: which of the held payments');
  }
  if (command === 'retry' && !all && (state ?? values.limit) !== undefined) {
    throw wrongWords('retry takes --state and --limit only with --all');
  }
  if (command === 'send' && to !== 'default' && to !== 'fallback') {
    throw wrongWords(`send needs --to default or --to fallback${to === '' ? '' : `, not "${to}"`}`);
  }
  if ((command === 'send' || command === 'give-up') && reason === '') {
    throw wrongWords(`${command} needs --reason: why you do it, for those who read it later`);
  }
  return words;
}

function idOf(text: string): string {
  if (isId(text)) return text.toLowerCase();
  throw wrongWords(`"${text}" is no id of a payment: 8-4-4-4-12 hexadecimal digits`);
}

function limitOf(text: string, most: number): number {
  const limit = /^\d+$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= most) return limit;
  throw wrongWords(`--limit "${text}" must be a whole number from 1 to ${most}`);
}

function textOf(text: string, fault: Fault | undefined): string {
  if (fault !== undefined) throw wrongWords(`--${fault.field} ${fault.reason}`);
  return text.trim();
}

/** Who typed the command, also behind sudo. A container may have no name for its user. */
function loginName(): string {
  const { SUDO_USER, USER } = process.env;
  if (SUDO_USER) return SUDO_USER;
  try {
    return userInfo().username;
  } catch {
    return USER || `user ${process.getuid?.() ?? 'unknown'}`;
  }
}
