// Makes undici skip an informational answer 100 (Continue). A server may send 1xx answers before
// the final one, also unrequested (RFC 9110, 15.2). undici 7.30 skips 102 and 103, but closes the
// connection for a 100 (lib/dispatcher/client-h1.js, onHeadersComplete). So this patches undici's
// parser, which then reads a 100 as a 102.

import type { Socket } from 'node:net';

interface Parser {
  onHeadersComplete(status: number, upgrade: boolean, keepAlive: boolean): number;
}

let isPatched = false;

/**
 * Patches the parser of all of this process's undici connections, once. `socket` is a connection
 * that undici has just opened.
 */
export function skipContinue(socket: Socket): void {
  if (isPatched) return;
  const symbol = Object.getOwnPropertySymbols(socket).find((own) => own.description === 'parser');
  if (symbol === undefined) return;
  const parser = (socket as unknown as Readonly<Record<symbol, unknown>>)[symbol];
  const prototype = Object.getPrototypeOf(parser) as Partial<Parser> | null;
  const original = prototype?.onHeadersComplete;
  if (prototype === null || typeof original !== 'function') return;
  isPatched = true;
  prototype.onHeadersComplete = function (this: Parser, status, upgrade, keepAlive): number {
    return original.call(this, status === 100 ? 102 : status, upgrade, keepAlive);
  };
}
