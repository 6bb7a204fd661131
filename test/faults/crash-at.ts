// Loaded before main.js (`node --import`): the process logs the point that CRASH_AT names and kills
// itself there with SIGKILL. Each point lies between two steps of a payment; the table in
// docs/CRASHES.md has the same points.

import { subscribe } from 'node:diagnostics_channel';
import { writeSync } from 'node:fs';
import { ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { BodyRequest } from '../../src/api/body.ts';
import { DiskJournalFile } from '../../src/buffer/journal-file.ts';
import { Journal } from '../../src/buffer/journal.ts';
import { HttpProcessor } from '../../src/gateways/processor.ts';
import { LedgerPurge } from '../../src/ledger/purge.ts';
import { wrap } from './wrap.ts';

type Done = (error: unknown, ...results: unknown[]) => void;

const NativeClient = createRequire(import.meta.url)('pg-native') as { readonly prototype: object };

const journal = Journal.prototype;
const is202 = (response: object): boolean => (response as ServerResponse).statusCode === 202;

const POINTS = {
  'request read': () => before(BodyRequest.prototype, 'finish'),
  'before hold': () => before(journal, 'hold'),
  'in hold': () => inside('hold'),
  'after hold': () => after(journal, 'hold'),
  'before 202': () => before(ServerResponse.prototype, 'end', is202),
  'after 202': () => after(ServerResponse.prototype, 'end', is202),
  'before pin': () => before(journal, 'pin'),
  'in pin': () => inside('pin'),
  'after pin': () => after(journal, 'pin'),
  'before charge': () => before(HttpProcessor.prototype, 'charge'),
  'charge sent': () => inCall('undici:request:bodySent', '/payments'),
  'charge answered': () => inCall('undici:request:headers', '/payments'),
  'after charge': () => after(HttpProcessor.prototype, 'charge'),
  'in charged': () => inside('charged'),
  'after charged': () => after(journal, 'charged'),
  // The first one was the admission's.
  'before unpin': () => before(journal, 'hold', second()),
  'in unpin': () => inside('hold', second()),
  'before record': () => before(NativeClient.prototype, 'execute', hasRows),
  'after record': afterRecord,
  'before release': () => before(journal, 'release'),
  'in release': () => inside('release'),
  'offer sent': () => inCall('undici:request:bodySent', '/internal/payments'),
  'after truncate': () => after(LedgerPurge.prototype, 'empty'),
  'before second release': () => before(journal, 'release', second()),
} as const satisfies Readonly<Record<string, () => void>>;

export type CrashPoint = keyof typeof POINTS;

const point = process.env['CRASH_AT'] as CrashPoint;

function die(): void {
  writeSync(2, `dies: ${point}\n`);
  // The kernel delivers it before this returns.
  process.kill(process.pid, 'SIGKILL');
}

const always = (): boolean => true;

function second(): () => boolean {
  let calls = 0;
  return () => ++calls === 2;
}

/** An empty batch is recorded at the start, to try it. */
const hasRows = (_: object, parameters: readonly unknown[]): boolean =>
  (parameters[1] as readonly string[])[1] !== '{}';

type IsIt = (self: object, parameters: readonly unknown[]) => boolean;

function before(target: object, name: string, isIt: IsIt = always): void {
  wrap(target, name, (original) => {
    return function (this: object, ...parameters) {
      if (isIt(this, parameters)) die();
      return original.apply(this, parameters);
    };
  });
}

/** After its return, or when what it promises has come. */
function after(target: object, name: string, isIt: (self: object) => boolean = always): void {
  wrap(target, name, (original) => {
    return function (this: object, ...parameters) {
      const result = original.apply(this, parameters);
      if (result instanceof Promise) return result.then(die);
      if (isIt(this)) die();
      return result;
    };
  });
}

/**
 * With the checksum and the sequence of its cell written, and nothing else: the rest may be the
 * same as before.
 */
function inside(name: 'hold' | 'pin' | 'charged' | 'release', isIt: () => boolean = always): void {
  let tears = false;
  wrap(journal, name, (original) => {
    return function (this: object, ...parameters) {
      tears = isIt();
      return original.apply(this, parameters);
    };
  });
  wrap(DiskJournalFile.prototype, 'write', (original) => {
    return function (this: object, ...parameters) {
      const [cell, position] = parameters as [Uint8Array, number];
      if (!tears) return original.call(this, cell, position);
      original.call(this, cell.subarray(0, 8), position);
      return die();
    };
  });
}

/**
 * In undici's own step: the last byte of the request was written, or the first bytes of the answer
 * were read.
 */
function inCall(channel: string, path: string): void {
  subscribe(channel, (message) => {
    const { request } = message as { readonly request: { readonly path: string } };
    if (request.path.split('?')[0] === path) die();
  });
}

/** The statement is committed, and the process hasn't looked at the answer. */
function afterRecord(): void {
  wrap(NativeClient.prototype, 'execute', (original) => {
    return function (this: object, ...parameters) {
      const done = parameters.pop() as Done;
      return original.call(this, ...parameters, (error: unknown, ...results: unknown[]) => {
        if (!error && hasRows(this, parameters)) die();
        done(error, ...results);
      });
    };
  });
}

POINTS[point]();
