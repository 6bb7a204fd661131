// The query of a list: where the payments stand, and how many entries are wanted.

import { isStage, STAGES, type Stage } from '../watch/stages.ts';
import type { Fault } from './order-json.ts';

export interface ListQuery {
  /** Only payments that stand there. */
  readonly state: Stage | undefined;
  readonly limit: number;
}

export const LIMIT_MAX = 1_000;
const LIMIT_DEFAULT = 100;

/** Reads `?state=…&limit=…`, or says which field is wrong and why. */
export function readListQuery(query: string): ListQuery | Fault {
  const parameters = new URLSearchParams(query);
  const wrong = wrongNameIn(parameters, ['state', 'limit']);
  if (wrong !== undefined) return wrong;
  const state = parameters.get('state') ?? undefined;
  if (state !== undefined && !isStage(state)) {
    return { field: 'state', reason: `must be one of: ${STAGES.join(', ')}` };
  }
  const limit = limitIn(parameters);
  return typeof limit === 'object' ? limit : { state, limit };
}

/** Reads `?limit=…`, or says which field is wrong and why. */
export function readLimit(query: string): number | Fault {
  const parameters = new URLSearchParams(query);
  return wrongNameIn(parameters, ['limit']) ?? limitIn(parameters);
}

function wrongNameIn(parameters: URLSearchParams, known: readonly string[]): Fault | undefined {
  const names = [...parameters.keys()];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    return { field: unknown, reason: `is not one of: ${known.join(', ')}` };
  }
  const repeated = names.find((name, index) => names.indexOf(name) < index);
  return repeated === undefined ? undefined : { field: repeated, reason: 'is given twice' };
}

function limitIn(parameters: URLSearchParams): number | Fault {
  const text = parameters.get('limit');
  if (text === null) return LIMIT_DEFAULT;
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= LIMIT_MAX) return limit;
  return { field: 'limit', reason: `must be a whole number from 1 to ${LIMIT_MAX}` };
}
