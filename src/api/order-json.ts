// An operator's order: the body of a request to a lever.

export type Action = 'retry' | 'send' | 'give-up';

export const isAction = (text: string): text is Action =>
  text === 'retry' || text === 'send' || text === 'give-up';

export interface OrderBody {
  readonly actor: string;
  readonly reason: string;
  readonly processor: 'default' | 'fallback' | undefined;
  readonly mayBeCharged: boolean;
}

export interface Fault {
  readonly field: string;
  readonly reason: string;
}

const ACTOR_MAX = 100;
const REASON_MAX = 500;
const FIELDS: Readonly<Record<Action, readonly string[]>> = {
  retry: ['actor', 'reason'],
  send: ['actor', 'reason', 'processor'],
  'give-up': ['actor', 'reason', 'mayBeCharged'],
};

/** Reads the body of an order for `action`, or says which field is wrong and why. */
export function readOrder(body: Buffer, action: Action): OrderBody | Fault {
  let json: unknown;
  try {
    // Invalid UTF-8 is refused: it would be recorded as something else.
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return { field: 'body', reason: 'is not valid JSON in UTF-8' };
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    return { field: 'body', reason: 'must be a JSON object' };
  }
  const { actor, reason, processor, mayBeCharged, ...others } = json as Record<string, unknown>;
  const known = FIELDS[action];
  const given = { processor, mayBeCharged };
  const more = [
    ...Object.keys(others),
    ...Object.entries(given).flatMap(([name, value]) =>
      value === undefined || known.includes(name) ? [] : [name],
    ),
  ];
  if (more[0] !== undefined) {
    return { field: more[0], reason: `is not one of: ${known.join(', ')}` };
  }
  return (
    faultOfActor(actor) ??
    faultOfReason(reason) ??
    faultOfProcessor(action, processor) ??
    faultOfFlag(mayBeCharged) ?? {
      actor: (actor as string).trim(),
      reason: (reason as string).trim(),
      processor: processor as OrderBody['processor'],
      mayBeCharged: mayBeCharged === true,
    }
  );
}

/** For the ledger's record of who did something, and why. */
export const faultOfActor = (value: unknown): Fault | undefined =>
  faultOfText('actor', value, ACTOR_MAX);
export const faultOfReason = (value: unknown): Fault | undefined =>
  faultOfText('reason', value, REASON_MAX);

function faultOfText(field: string, value: unknown, most: number): Fault | undefined {
  const text = typeof value === 'string' ? value : '';
  // By code points, as a JSON schema counts.
  const length = Array.from(text).length;
  if (text.trim() !== '' && length <= most && !/[\p{Cc}\p{Cs}]/u.test(text)) return undefined;
  return { field, reason: `must be a text of 1 to ${most} characters without control characters` };
}

function faultOfProcessor(action: Action, value: unknown): Fault | undefined {
  if (action !== 'send' || value === 'default' || value === 'fallback') return undefined;
  return { field: 'processor', reason: 'must be "default" or "fallback"' };
}

function faultOfFlag(value: unknown): Fault | undefined {
  if (value === undefined || typeof value === 'boolean') return undefined;
  return { field: 'mayBeCharged', reason: 'must be true or false' };
}
