// Requests that gather their own body, up to a bound. The listeners are shared functions: nothing is bound per request.

import { IncomingMessage, type ServerResponse } from 'node:http';

/** A payment has about 80 bytes. */
const BODY_BYTES_MAX = 4096;

export type BodyListener = (request: BodyRequest, response: ServerResponse, body: Buffer) => void;

const EMPTY = Buffer.alloc(0);

export class BodyRequest extends IncomingMessage {
  #body: Buffer = EMPTY;
  #response: ServerResponse | undefined;
  #onBody: BodyListener | undefined;
  #onTooLarge: BodyListener | undefined;

  /**
   * Calls `onBody` once with the whole body; never when the client gives up before its end.
   * A body beyond BODY_BYTES_MAX calls `onTooLarge` once instead.
   */
  readBody(response: ServerResponse, onBody: BodyListener, onTooLarge: BodyListener): void {
    this.#response = response;
    if (Number(this.headers['content-length']) > BODY_BYTES_MAX) {
      onTooLarge(this, response, EMPTY);
      return;
    }
    this.#onBody = onBody;
    this.#onTooLarge = onTooLarge;
    this.on('data', gather);
    this.on('end', finish);
  }

  gather(chunk: Buffer): void {
    const onBody = this.#onBody;
    if (onBody === undefined) return;
    if (this.#body.length + chunk.length > BODY_BYTES_MAX) {
      this.#onBody = undefined;
      this.#onTooLarge?.(this, this.#response as ServerResponse, EMPTY);
    } else {
      this.#body = this.#body.length === 0 ? chunk : Buffer.concat([this.#body, chunk]);
    }
  }

  finish(): void {
    this.#onBody?.(this, this.#response as ServerResponse, this.#body);
  }
}

function gather(this: BodyRequest, chunk: Buffer): void {
  this.gather(chunk);
}

function finish(this: BodyRequest): void {
  this.finish();
}
