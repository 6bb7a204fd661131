// Asks an admin server. Each question has its own connection and a deadline.

import { request, type IncomingMessage } from 'node:http';
import type { AdminAddress } from '../config/admin-address.ts';
import { parseObject } from '../gateways/payment-answer.ts';
import { Failure, wrongWords } from './failure.ts';
import { safeText, textOf, type Entry } from './printed.ts';

export interface Answer {
  readonly status: number;
  readonly body: Entry;
}

const TIMEOUT_MS = 5_000;
/** The server may wait for the ledger, for another instance (10 s) and for the effect. */
const ACTION_TIMEOUT_MS = 15_000;
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
const TOKEN = /^[\x21-\x7e]+$/;

/** What an error of the connection means. */
const CAUSES: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket',
  ECONNREFUSED: 'nothing listens there',
  EACCES: 'only its owner and group may use the socket',
  EPERM: 'only its owner and group may use the socket',
  ENOTSOCK: 'that is no socket',
  ENOTFOUND: 'the host is not known',
  EAI_AGAIN: 'the host can not be looked up',
  ECONNRESET: 'the connection broke before the whole answer was here',
  EPIPE: 'the connection broke before the whole answer was here',
};

export class AdminClient {
  /** The server's address, as text. */
  readonly name: string;
  readonly #address: AdminAddress;
  readonly #token: string;

  /** @throws Failure with 2 if the token can't be one */
  constructor(address: AdminAddress, token = '') {
    if (token !== '' && !TOKEN.test(token)) {
      throw wrongWords('ADMIN_TOKEN has characters that can not be sent: blanks or others');
    }
    this.#address = address;
    this.#token = token;
    this.name = safeText('path' in address ? address.path : hostAndPort(address));
  }

  /** @throws Failure if there is no answer of an admin server, or access is refused */
  get(path: string, timeoutMs = TIMEOUT_MS): Promise<Answer> {
    return this.#ask('GET', path, { timeoutMs });
  }

  /** The object of a 200. @throws Failure also for every other answer */
  async read(path: string): Promise<Entry> {
    const answer = await this.get(path);
    if (answer.status === 200) return answer.body;
    const isMissing = answer.status === 404 || answer.status === 405;
    const other = isMissing ? ': is it an admin server, and of this version?' : '';
    throw new Failure(`${this.name}: ${reasonOf(answer)}${other}`);
  }

  /**
   * What the server says of one payment: a 404 if nobody has seen it. The API answers 404 too, and
   * for every payment, so that counts only from a server that has /live.
   * @throws Failure as `get` does
   */
  async payment(id: string): Promise<Answer> {
    const answer = await this.get(`/payments/${id}`);
    if (answer.status === 404 && (await this.get('/live')).status !== 200) {
      throw new Failure(`${this.name} is not an admin server: it has no /live`);
    }
    return answer;
  }

  /**
   * @throws Failure as `get` does. After a time-out or a broken connection the action may have been
   * done; the message says so
   */
  post(path: string, body: Entry): Promise<Answer> {
    return this.#ask('POST', path, { body: JSON.stringify(body), timeoutMs: ACTION_TIMEOUT_MS });
  }

  async #ask(
    method: 'GET' | 'POST',
    path: string,
    { body = '', timeoutMs }: { readonly body?: string; readonly timeoutMs: number },
  ): Promise<Answer> {
    const signal = AbortSignal.timeout(timeoutMs);
    let isConnected = false;
    const headers = {
      ...(this.#token === '' ? {} : { authorization: `Bearer ${this.#token}` }),
      ...(body === '' ? {} : { 'content-type': 'application/json' }),
    };
    try {
      const text = await new Promise<readonly [number, string]>((resolve, reject) => {
        const options = { ...socketOf(this.#address), method, path, headers, agent: false, signal };
        const call = request(options, (response) => {
          bodyOf(response).then((read) => resolve([response.statusCode ?? 0, read]), reject);
        });
        call.on('socket', (socket) => socket.once('connect', () => (isConnected = true)));
        call.on('error', reject);
        call.end(body);
      });
      return this.#answerOf(...text);
    } catch (error) {
      if (error instanceof Failure) throw error;
      const why = signal.aborted ? `no answer within ${timeoutMs / 1_000} s` : causeOf(error);
      const isOpen = method === 'POST' && isConnected;
      const maybe = isOpen ? '; it may have been done all the same: "actions" and "show" tell' : '';
      throw new Failure(`no admin server answers at ${this.name}: ${why}${maybe}`);
    }
  }

  #answerOf(status: number, text: string): Answer {
    const body = parseObject(text);
    if (status === 401 || status === 403) {
      const why = body === undefined ? '' : `: ${reasonOf({ status, body })}`;
      const token = this.#token === '' ? 'ADMIN_TOKEN is not set' : 'ADMIN_TOKEN is another token';
      throw wrongWords(
        `${this.name} refuses (${status})${why}${status === 401 ? `; ${token}` : ''}`,
      );
    }
    if (body === undefined) {
      throw new Failure(`${this.name} answers ${status} without JSON: is it an admin server?`);
    }
    return { status, body };
  }
}

/** What an answer says that is not a 200: its reason and field, or its error. */
export function reasonOf({ status, body }: Answer): string {
  const { error, field, reason } = body;
  if (reason === undefined) return `${textOf(error)} (${status})`;
  const isPart = status === 400 && typeof field === 'string';
  return `${isPart ? `${safeText(field)} ` : ''}${textOf(reason)}`;
}

const hostAndPort = ({ host, port }: { readonly host: string; readonly port: number }): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;

const socketOf = (
  address: AdminAddress,
): { readonly socketPath: string } | { readonly host: string; readonly port: number } =>
  'path' in address ? { socketPath: address.path } : address;

async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error('the answer is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function causeOf(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (code.startsWith('HPE_')) return 'what answers there does not speak HTTP';
  return CAUSES[code] ?? safeText(message);
}
