// An answer may be preceded by informational ones (1xx), also by those that nobody asked for (RFC
// 9110, 15.2). undici 7.30 reads past 102 and 103, but ends the connection for a 100
// (lib/dispatcher/client-h1.js, onHeadersComplete). To us none of them means anything, so its
// parser is told that a 100 is a 102.

import type { Socket } from 'node:net';

interface Parser {
  onHeadersComplete(status: number, upgrade: boolean, keepAlive: boolean): number;
}

let isTaught = false;

/**
 * Teaches undici's parser, for all connections of this process; `socket` is one that undici has
 * just taken.
 */
export function readPastContinue(socket: Socket): void {
  if (isTaught) return;
  const symbol = Object.getOwnPropertySymbols(socket).find((own) => own.description === 'parser');
  if (symbol === undefined) return;
  const parser = (socket as unknown as Readonly<Record<symbol, unknown>>)[symbol];
  const prototype = Object.getPrototypeOf(parser) as Partial<Parser> | null;
  const original = prototype?.onHeadersComplete;
  if (prototype === null || typeof original !== 'function') return;
  isTaught = true;
  prototype.onHeadersComplete = function (this: Parser, status, upgrade, keepAlive): number {
    return original.call(this, status === 100 ? 102 : status, upgrade, keepAlive);
  };
}
