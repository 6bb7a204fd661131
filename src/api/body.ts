// A request that collects its own body, up to BODY_BYTES_MAX, from what Node's parser pushes into
// it. A body that nobody reads, or that came before somebody did, goes the long way of a stream,
// through its buffers and events.

import { IncomingMessage, type ServerResponse } from 'node:http';

/** A payment has about 80 bytes. */
const BODY_BYTES_MAX = 4096;

export type BodyListener = (request: BodyRequest, response: ServerResponse, body: Buffer) => void;

const EMPTY = Buffer.alloc(0);
/**
 * The mark of node:http 20.20 and 26.10, which its types omit, that somebody reads the body.
 * Without it Node reads on once the answer is sent.
 */
const CONSUMING = '_consuming';

export class BodyRequest extends IncomingMessage {
  declare [CONSUMING]: boolean;
  #isStreamed = false;
  #isCollected = false;
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
    if (this.#isStreamed) {
      this.on('data', gather);
      this.on('end', finish);
    } else {
      this.#isCollected = true;
      this[CONSUMING] = true;
    }
  }

  /** Node's parser calls it with each part of the body, and with null at its end. */
  override push(chunk: Buffer | null): boolean {
    if (!this.#isCollected) {
      this.#isStreamed = true;
      return super.push(chunk);
    }
    if (chunk === null) this.finish();
    else this.gather(chunk);
    return true;
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
