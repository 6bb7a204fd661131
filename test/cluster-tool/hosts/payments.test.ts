// Payments on a whole cluster, while something happens to one of its hosts: the table of faults in
// docs/CLUSTER.md. Each test ends with the books: every accepted payment is charged once, and the
// ledger agrees with the processors.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test, type TestContext } from 'node:test';
import { Cluster } from '../../../tools/cluster/cluster.ts';
import { AGAIN, Random } from '../../buffer/seed.ts';
import type { ShardRow } from '../../cluster/shards.ts';
import { emptyBook, Load } from '../../faults/load.ts';
import { audit } from '../../world/audit.ts';
import { Client, type Reply } from '../../world/client.ts';
import { waitUntil } from '../../world/wait-until.ts';
import { Places } from './places.ts';
import { Times } from './times.ts';

const slow = { withinMs: 120_000, everyMs: 200 };
const AN_HOUR_S = 3_600;
const A_WHILE_MS = 30_000;
const RATE_PER_S = 100;
/** The front of a host answers after 1 s for each instance that it asks. */
const TIMEOUT_MS = 2_500;
const PAUSE_MAX_MS = 8_000;
/** How long a processor takes for its answer: payments of each shard are there at any moment. */
const LATE_MS = 200;

const random = new Random();
const book = emptyBook();

let cluster: Cluster;
let clients: readonly Client[] = [];
let load: Load;
let places: Places;
let times: Times;

before(async () => {
  cluster = await Cluster.prepare({ network: '10.77.202', ownClocks: true });
  await cluster.start();
  clients = cluster.urls.map((url) => new Client(url));
  places = new Places(cluster, random, slow);
});

beforeEach(async () => {
  await allIsWell();
  await delayAnswers(LATE_MS);
  times = new Times(cluster.layout.settings.shards);
  load = new Load({
    clients,
    random,
    book,
    ratePerS: RATE_PER_S,
    openMax: RATE_PER_S * 20,
    timeoutMs: TIMEOUT_MS,
    pauseMs: pauseAsTold,
    onAnswer: (told) => times.heard(told),
  });
  await load.more(200);
});

afterEach(() => load?.[Symbol.asyncDispose]());

after(async () => {
  for (const client of clients) client.close();
  await cluster?.stop();
});

/** As docs/CLUSTER.md tells clients: after Retry-After, and after twice as long each time. */
const pauseAsTold = (tries: number, { headers }: Pick<Reply, 'headers'>): number =>
  Math.min(PAUSE_MAX_MS, Number(headers['retry-after'] ?? 0.2) * 1000 * 2 ** (tries - 1));

const allIsWell = (): Promise<unknown> =>
  waitUntil('all is well', async () => (await cluster.isWhole()) && isOwned(), slow);

/** Each shard's owner answers. */
async function isOwned(): Promise<boolean> {
  const answers = await Promise.all(clients.map((client) => client.summary().then(Boolean)));
  return answers.every(Boolean);
}

/** The host of the primary or of a standby, which runs a shard. */
async function anOwner(wanted: 'primary' | 'synchronous' | 'other'): Promise<number> {
  const host =
    wanted === 'primary' ? ((await cluster.primary()) as number) : await cluster.standby(wanted);
  await places.areAlsoOn(host);
  return host;
}

/** The fault begins now. */
const begins = async (host: number): Promise<void> => times.begins(await places.on(host));

interface Spell {
  readonly host: number;
  readonly begin: () => unknown;
  readonly end: () => unknown;
}

/**
 * Something happens to the owner of these shards for 30 s, and until they have moved. Then it
 * notices that it has none.
 */
async function forAWhile(own: readonly number[], { host, begin, end }: Spell): Promise<void> {
  const [epochs, lost] = [await places.epochs(), places.leasesLost(host)];
  const haveMoved = async (): Promise<boolean> => {
    const now = await places.epochs();
    return own.every((shard) => (now[shard] as number) > (epochs[shard] as number));
  };
  times.begins(own);
  const beganMs = performance.now();
  await begin();
  await waitUntil('it has lasted', () => performance.now() - beganMs >= A_WHILE_MS, slow);
  await waitUntil('its shards have moved', haveMoved, slow);
  await end();
  const hasNoticed = (): boolean => {
    if (places.leasesLost(host) >= lost + own.length) return true;
    throw new Error(places.lastWords(host));
  };
  await waitUntil('the old owner ends', hasNoticed, slow);
}

/** Of both processors. */
async function delayAnswers(delayMs: number): Promise<void> {
  for (const { levers } of cluster.processors) await levers.setDelay(delayMs);
}

async function audited(context: TestContext): Promise<void> {
  // A host that comes back may cost a pause, too.
  await allIsWell();
  await load.more(200);
  context.diagnostic(times.ends(context.name.replace(` ${AGAIN}`, '')));
  await load.stop();
  await delayAnswers(0);
  context.diagnostic(`answers ${JSON.stringify(Object.fromEntries(load.answers))}`);
  const databaseUrl = cluster.databaseUrl((await cluster.primary()) as number);
  const world = { databaseUrl, processors: cluster.processors, instances: [] };
  await audit(world, book.accepted, { maybe: book.maybe, withinMs: 120_000 });
  context.diagnostic(`${book.accepted.length} accepted, ${book.maybe.length} perhaps`);
}

for (const standby of ['synchronous', 'other'] as const) {
  test(`the host of the ${standby} standby is switched off ${AGAIN}`, async (context) => {
    const host = await anOwner(standby);
    await begins(host);
    await cluster.host(host).switchOff();
    await places.leave(host);
    await load.more(300);
    await cluster.host(host).switchOn();
    await audited(context);
  });
}

for (const disk of ['keeps', 'loses']) {
  test(`the host of the primary is switched off and ${disk} its disk ${AGAIN}`, async (context) => {
    const host = await anOwner('primary');
    await begins(host);
    await cluster.host(host).switchOff();
    if (disk === 'loses') await cluster.host(host).destroyDisk();
    await places.leave(host);
    await load.more(300);
    await cluster.host(host).switchOn();
    await audited(context);
  });
}

test(`a standby's host is cut off for 30 s, and comes back ${AGAIN}`, async (context) => {
  const host = await anOwner('synchronous');
  await forAWhile(await places.on(host), {
    host,
    begin: () => cluster.host(host).cutOff(),
    end: () => cluster.host(host).reconnect(),
  });
  await audited(context);
});

test(`the primary is cut off from the hosts, and reaches the processors ${AGAIN}`, async (context) => {
  const host = await anOwner('primary');
  await begins(host);
  await cluster.host(host).partFromHosts();
  await places.leave(host);
  await load.more(300);
  await cluster.host(host).reconnect();
  await audited(context);
});

test(`an owner stands still for 30 s after it pinned, and goes on ${AGAIN}`, async (context) => {
  const [row] = (await places.shards()) as [ShardRow];
  const { host, instance } = places.ownerOf(row);
  await forAWhile([row.shard], {
    host,
    begin: () => cluster.host(host).standStill(instance),
    end: () => cluster.host(host).goOn(instance),
  });
  await audited(context);
});

test(`the clock of a standby's host jumps by an hour, and back ${AGAIN}`, async (context) => {
  const host = await anOwner('synchronous');
  const epochs = await places.epochs();
  await begins(host);
  cluster.host(host).setClock(AN_HOUR_S);
  await load.more(600);
  cluster.host(host).setClock(0);
  await load.more(600);
  assert.deepEqual(await places.epochs(), epochs);
  await audited(context);
});

test(`the clock of the primary's host jumps by an hour, and back ${AGAIN}`, async (context) => {
  // The leases are on this clock: a shard may move, and nothing else happens.
  const host = await anOwner('primary');
  await begins(host);
  for (const ahead of [AN_HOUR_S, 0, -AN_HOUR_S, 0]) {
    cluster.host(host).setClock(ahead);
    await load.more(300);
  }
  await audited(context);
});

test(`all hosts are restarted in order, one after the other ${AGAIN}`, async (context) => {
  const primary = await cluster.primary();
  const isLast = (number: number): number => Number(number === primary);
  // The primary's host is the last one, as docs/CLUSTER.md says: there is one hand-over.
  const hosts = cluster.hosts.toSorted((one, other) => isLast(one.number) - isLast(other.number));
  times.begins([]);
  for (const host of hosts) {
    await host.restartOrderly();
    await allIsWell();
  }
  await audited(context);
});
