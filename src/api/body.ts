// A request that collects its own body, up to BODY_BYTES_MAX. The listeners are shared functions,
// so no closure is made per request.

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
   * Calls `onBody` once with the whole body, or `onTooLarge` once if the body is longer than
   * BODY_BYTES_MAX. Calls neither if the client disconnects before the body ends.
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
