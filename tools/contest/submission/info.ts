// info.json of the contest: who takes part, and with what.

/** Fields that are lists, and whether each may be empty. */
const LISTS = {
  social: false,
  langs: false,
  storages: false,
  messaging: true,
  'load-balancers': false,
  'other-technologies': true,
} as const;

export interface Info extends Readonly<Record<keyof typeof LISTS, readonly string[]>> {
  readonly name: string;
  readonly 'source-code-repo': string;
}

export interface Author {
  /** The owner of the repository by default. */
  readonly name?: string | undefined;
  /** Addresses of profiles; the owner's at GitHub by default. */
  readonly social?: readonly string[] | undefined;
}

/** `repository` is owner/name at GitHub. */
export function infoOf(repository: string, { name, social }: Author = {}): Info {
  const owner = repository.split('/')[0] ?? '';
  return {
    name: name ?? owner,
    social: social ?? [`https://github.com/${owner}`],
    'source-code-repo': `https://github.com/${repository}`,
    langs: ['typescript', 'node'],
    storages: ['postgresql'],
    messaging: [],
    'load-balancers': ['nginx'],
    'other-technologies': ['libpq', 'undici'],
  };
}

/** https://host/path */
export const isAddress = (text: string): boolean =>
  /^https:\/\/[^/\s]+\/\S+$/.test(text) && URL.canParse(text);

/** What is wrong with the file, a line each. */
export function checkInfo(text: string): string[] {
  let info: unknown;
  try {
    info = JSON.parse(text);
  } catch {
    return ['info.json is not JSON'];
  }
  if (typeof info !== 'object' || info === null || Array.isArray(info)) {
    return ['info.json must be an object'];
  }
  const fields = info as Readonly<Record<string, unknown>>;
  const faults: string[] = [];
  if (typeof fields['name'] !== 'string' || fields['name'].trim() === '') {
    faults.push('info.json: name must be a text');
  }
  const source = fields['source-code-repo'];
  if (typeof source !== 'string' || !isAddress(source)) {
    faults.push('info.json: source-code-repo must be an https:// address');
  }
  for (const [name, mayBeEmpty] of Object.entries(LISTS)) {
    const list = fields[name];
    const isTexts = Array.isArray(list) && list.every((item) => typeof item === 'string');
    if (!isTexts) faults.push(`info.json: ${name} must be a list of texts`);
    else if (list.length === 0 && !mayBeEmpty) faults.push(`info.json: ${name} is empty`);
    else if (name === 'social') {
      const others = (list as readonly string[]).filter((item) => !isAddress(item));
      faults.push(...others.map((item) => `info.json: social: "${item}" is no https:// address`));
    } else if ((list as readonly string[]).some((item) => item.trim() === '')) {
      faults.push(`info.json: ${name} has an empty text`);
    }
  }
  return faults;
}
