// A stand-in for the whole system, in this process: two processors that hold payments, and a
// backend that settles each on the spot. It keeps the books perfectly, or makes one deliberate
// mistake.
import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ProcessorIndex } from '../../src/payment.ts';
import { PROCESSORS } from '../../src/payment.ts';
import type { Held } from '../../tools/audit/audit.ts';
import type { Pair } from '../../tools/audit/totals.ts';
import { field, parseJson } from '../../tools/audit/json-field.ts';

export type Mistake =
  | 'none'
  | 'loses a payment'
  | 'charges twice'
  | 'summary ahead'
  | 'wrong amount'
  | 'no list';

interface Charge extends Held {
  readonly requestedAtMs: number;
}

interface Reply {
  readonly status: number;
  readonly body?: unknown;
}

interface Answered {
  readonly server: Server;
  readonly url: string;
}

const NOT_FOUND: Reply = { status: 404 };

async function answering(
  reply: (request: IncomingMessage, body: unknown) => Reply,
): Promise<Answered> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { status, body } = reply(request, parseJson(Buffer.concat(chunks).toString()));
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.end(body === undefined ? '' : JSON.stringify(body));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function within(charges: readonly Charge[], request: IncomingMessage): Charge[] {
  const query = new URL(request.url ?? '/', 'http://stub').searchParams;
  const from = Date.parse(query.get('from') ?? '1970-01-01');
  const to = Date.parse(query.get('to') ?? '2999-01-01');
  return charges.filter(({ requestedAtMs }) => requestedAtMs >= from && requestedAtMs <= to);
}

const totalsOf = (charges: readonly Charge[]) => ({
  totalRequests: charges.length,
  totalAmount: charges.reduce((sum, { amountCents }) => sum + amountCents, 0) / 100,
});

class StubProcessor {
  readonly charges: Charge[] = [];
  /** The settings that came, in order. */
  readonly settings: string[] = [];
  readonly tokens: string[] = ['123'];
  /** Called after each payment. */
  onCharge: (() => void) | null = null;
  readonly #feePercent: number;
  readonly #lists: boolean;

  constructor(feePercent: number, lists: boolean) {
    this.#feePercent = feePercent;
    this.#lists = lists;
  }

  charge(charge: Charge): void {
    this.charges.push(charge);
    this.onCharge?.();
  }

  reply(request: IncomingMessage, body: unknown): Reply {
    if (request.headers['x-rinha-token'] !== this.tokens.at(-1)) return { status: 401 };
    const [path = ''] = (request.url ?? '').split('?');
    switch (`${request.method} ${path}`) {
      case 'GET /admin/payments-summary': {
        const totals = totalsOf(within(this.charges, request));
        return { status: 200, body: { ...totals, feePerTransaction: this.#feePercent / 100 } };
      }
      case 'GET /admin/payments':
        return this.#lists ? { status: 200, body: this.charges } : NOT_FOUND;
      case 'POST /admin/purge-payments':
        this.charges.length = 0;
        return { status: 200, body: {} };
      case 'PUT /admin/configurations/token':
        this.tokens.push(String(field(body, 'token')));
        return { status: 204 };
      case 'PUT /admin/configurations/delay':
        this.settings.push(`delay ${String(field(body, 'delay'))}`);
        return { status: 200, body: {} };
      case 'PUT /admin/configurations/failure':
        this.settings.push(`failure ${String(field(body, 'failure'))}`);
        return { status: 200, body: {} };
      default:
        return NOT_FOUND;
    }
  }
}

class StubBackend {
  readonly #processors: Pair<StubProcessor>;
  readonly #mistake: Mistake;
  readonly #ledger: Pair<Charge[]> = [[], []];
  #taken = 0;

  constructor(processors: Pair<StubProcessor>, mistake: Mistake) {
    this.#processors = processors;
    this.#mistake = mistake;
  }

  reply(request: IncomingMessage, body: unknown): Reply {
    const [path = ''] = (request.url ?? '').split('?');
    if (path === '/payments') return this.#take(body);
    if (path === '/payments-summary') return { status: 200, body: this.#summary(request) };
    return NOT_FOUND;
  }

  #take(body: unknown): Reply {
    const number = ++this.#taken;
    const payment: Charge = {
      correlationId: String(field(body, 'correlationId')),
      amountCents: Math.round(Number(field(body, 'amount')) * 100),
      requestedAtMs: Date.now(),
    };
    // Each 20th goes to fallback, and the mistake is made with the tenth payment.
    const processor: ProcessorIndex = number % 20 === 0 ? 1 : 0;
    const erring = number === 10;
    if (erring && this.#mistake === 'loses a payment') return { status: 202 };
    const amountCents = payment.amountCents + (erring && this.#mistake === 'wrong amount' ? 1 : 0);
    const charge = { ...payment, amountCents };
    this.#processors[processor].charge(charge);
    this.#ledger[processor].push(charge);
    if (erring && this.#mistake === 'charges twice') this.#processors[1].charge(charge);
    if (erring && this.#mistake === 'summary ahead') this.#ledger[1].push(charge);
    return { status: 202 };
  }

  #summary(request: IncomingMessage): Readonly<Record<string, unknown>> {
    const [onDefault, onFallback] = this.#ledger.map((rows) => totalsOf(within(rows, request)));
    return { default: onDefault, fallback: onFallback };
  }
}

export interface StubWorld {
  readonly url: string;
  readonly processorUrls: Pair<string>;
  readonly processors: Pair<StubProcessor>;
  close(): Promise<void>;
}

export async function openStubWorld(
  mistake: Mistake,
  feePercents: Pair<number> = [5, 15],
): Promise<StubWorld> {
  const lists = mistake !== 'no list';
  const processors = [
    new StubProcessor(feePercents[0], lists),
    new StubProcessor(feePercents[1], lists),
  ] as const;
  const backend = new StubBackend(processors, mistake);
  const [onBackend, onDefault, onFallback] = await Promise.all([
    answering((request, body) => backend.reply(request, body)),
    ...PROCESSORS.map((each) =>
      answering((request, body) => processors[each].reply(request, body)),
    ),
  ] as [Promise<Answered>, Promise<Answered>, Promise<Answered>]);
  return {
    url: onBackend.url,
    processorUrls: [onDefault.url, onFallback.url],
    processors,
    async close() {
      const closed = [onBackend, onDefault, onFallback].map(({ server }) => {
        server.close();
        server.closeAllConnections();
        return once(server, 'close');
      });
      await Promise.all(closed);
    },
  };
}
