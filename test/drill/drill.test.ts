// The drill: each of eleven faults is seen in the metrics, on the page in a real browser, and in
// the log, and the samples that were scraped meanwhile fire its alert. Without a fault, under load,
// nothing is seen at all.
//
// A fault is meant to be seen within 5 s. What adds up: the watch looks every second, and what is
// slow is so after a second; an instance asks the ledger and the others every 2 s, and waits 2 s
// and 0.5 s for them; the page gets a snapshot a second, which waits for others up to a second;
// metrics are scraped every second here. On a busy machine all of it takes longer, so the test
// waits for far longer, and prints how long it took.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { Load } from '../faults/load.ts';
import { openStage } from '../faults/stage.ts';
import { openBrowser, openPage } from '../page/browser.ts';
import { anomaliesIn } from '../world/anomalies.ts';
import { audit } from '../world/audit.ts';
import { Client } from '../world/client.ts';
import { freePort } from '../world/free-port.ts';
import { makeTempDirectory } from '../world/temp-directory.ts';
import { waitUntil, type Patience } from '../world/wait-until.ts';
import {
  anomalyFault,
  instanceFaults,
  ledgerFaults,
  processorFaults,
  type Fault,
} from './faults.ts';
import { findPromtool, testRules } from './promtool.ts';
import { Scraper } from './scraper.ts';

/** A fault that is not seen after so long is not seen. */
const SEEN_MS = 30_000;
/** Some alerts wait until the fault has lasted for 10 s. */
const ALERT_MS = 90_000;

const stage = await openStage({
  gaps: true,
  environment: { RING_SLOTS: '500', TIMEOUT_SLACK_MS: '3000', TIMEOUT_MAX_MS: '5000' },
});
const { world, random, book } = stage;
const promtool = findPromtool();
const port = await freePort();
const adminPath = (instance: number): string => `${world.instance(instance).socketPath}.admin`;
const admins = world.instances.map((_, number) => new Client(adminPath(number)));
const scraper = new Scraper(
  admins.map((client, number) => ({ instance: String(number), client })),
  promtool,
  makeTempDirectory(),
);
const table: string[][] = [['fault', 'metric', 'page', 'log', 'alert']];
let browser: Browser;
let page: Page;

before(async () => {
  for (const [number, instance] of world.instances.entries()) {
    await instance.kill('SIGTERM');
    await restart(number);
  }
  browser = await openBrowser();
  ({ page } = await openPage(browser, `http://127.0.0.1:${port}/`));
  // All that is ever shown.
  await page.evaluate(`{
    const list = document.getElementById('alarm-list');
    window.shown = new Set();
    new MutationObserver(() => window.shown.add(list.innerText)).observe(list, { childList: true });
  }`);
  scraper.start();
});
after(async () => {
  await scraper.stop();
  await browser.close();
  for (const admin of admins) admin.close();
  const widths = [0, 1, 2, 3, 4].map((column) =>
    Math.max(...table.map((row) => (row[column] as string).length)),
  );
  console.log('Seen after so many seconds:');
  for (const row of table) {
    console.log(row.map((cell, column) => cell.padEnd(widths[column] as number)).join('  '));
  }
});

async function restart(number: number): Promise<void> {
  const instance = world.instance(number);
  const listen = number === 0 ? `${adminPath(0)},127.0.0.1:${port}` : adminPath(number);
  await instance.restart({ ADMIN_LISTEN: listen });
  await instance.becomes('agreed');
}

const alarms = (): Promise<string> => page.locator('#alarm-list').innerText();

const calm = (): Promise<unknown> =>
  waitUntil('nothing is wrong', async () => (await alarms()) === 'Nothing is wrong.', {
    withinMs: 60_000,
    everyMs: 100,
  });

/** The lines of all logs from now on. */
function newLines(): () => readonly string[] {
  const known = world.instances.map(({ lines }) => lines.length);
  return () => world.instances.flatMap(({ lines }, number) => lines.slice(known[number]));
}

/** Waits for what is to be seen; adds after how many seconds it was. */
async function show(fault: Fault, seconds: string[]): Promise<void> {
  const lines = newLines();
  await fault.begin();
  // What begins late, like a restart, is seen from then on.
  const thereMs = performance.now();
  const seen = async (
    column: number,
    isSeen: () => boolean | Promise<boolean>,
    patience: Patience = { withinMs: SEEN_MS, everyMs: 50 },
  ): Promise<void> => {
    const place = table[0]?.[column] as string;
    await waitUntil(`"${fault.name}" is seen: ${place}`, isSeen, patience);
    seconds[column] = ((performance.now() - thereMs) / 1_000).toFixed(1);
  };
  const isInMetrics = (): boolean =>
    [...scraper.latest.values()].some((text) => fault.metric.test(text));
  let notFired: string | undefined;
  const fires = async (): Promise<boolean> => {
    notFired = await scraper.fires(fault.alert);
    return notFired === undefined;
  };
  try {
    await Promise.all([
      seen(1, isInMetrics),
      seen(2, async () => fault.alarm.test(await alarms())),
      seen(3, () => lines().some((line) => fault.logged.test(line))),
      seen(4, fires, { withinMs: ALERT_MS, everyMs: 500 }),
    ]);
  } catch (error) {
    const said = [...new Set(lines())].slice(-30).join('\n');
    throw new Error(`${await alarms()}\n${said}\n${notFired ?? ''}`, { cause: error });
  }
}

async function drill(fault: Fault): Promise<void> {
  await calm();
  scraper.beginAnew();
  await using load = new Load({ clients: [world.client], random, book, ratePerS: 20 });
  await load.more(40);
  assert.equal(await scraper.firesNothing(), undefined);
  const row = [fault.name, '', '', '', ''];
  table.push(row);
  try {
    await show(fault, row);
  } finally {
    await fault.end();
  }
  // What is slow shows only in use that it is not any more.
  await load.more(20);
  await load.stop();
}

test('the alert rules do what their own tests expect', async () => {
  assert.equal(await testRules(promtool, 'monitoring/alerts.test.yml'), undefined);
});

test('a healthy system under load shows no alarm, fires no alert, and logs no warning', async () => {
  await calm();
  scraper.beginAnew();
  const lines = newLines();
  await page.evaluate('window.shown.clear()');
  await using load = new Load({ clients: [world.client], random, book, ratePerS: 300 });
  await load.more(4_000);
  assert.equal(await scraper.firesNothing(), undefined);
  await load.stop();
  assert.deepEqual(await page.evaluate('[...window.shown]'), []);
  assert.deepEqual(
    lines().filter((line) => /"level":"(?:warn|error)"/.test(line)),
    [],
  );
});

const parts = { ...stage, restart };
for (const fault of [...processorFaults(parts), ...ledgerFaults(parts), ...instanceFaults(parts)]) {
  test(`${fault.name}: metrics, page, log and alert show it`, () => drill(fault));
}

test('after all that the books agree', () => audit(world, book.accepted, { maybe: book.maybe }));

const anomaly = anomalyFault(parts);
test(`${anomaly.name}: metrics, page, log and alert show it`, async () => {
  await drill(anomaly);
  assert.equal((await anomaliesIn(world.databaseUrl)).length, 1);
});
