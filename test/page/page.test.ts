// The page in a real browser, before a real system: it shows what is, says what is wrong, and its
// levers reach the server. Only the lists and the actions are a stub's.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { freePort } from '../world/free-port.ts';
import { waitUntil } from '../world/wait-until.ts';
import { openWorld, type World } from '../world/world.ts';
import { openBrowser, openPage } from './browser.ts';
import { LeverStub, type StubPayment } from './lever-stub.ts';

const TOKEN = 'a token for this test alone';
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const HOSTILE = '<img src=x onerror=alert(1)>';

let world: World;
let browser: Browser;
let stub: LeverStub;
let url: string;

before(async () => {
  world = await openWorld();
  const port = await freePort();
  await world.instance(0).kill('SIGTERM');
  await world.instance(0).restart({
    ADMIN_LISTEN: `${world.instance(0).socketPath}.admin,127.0.0.1:${port}`,
    ADMIN_TOKEN: TOKEN.replaceAll(' ', '-'),
  });
  await world.instance(0).becomes('agreed');
  stub = new LeverStub(port);
  url = await stub.listen();
  browser = await openBrowser();
});
after(async () => {
  await browser.close();
  stub.close();
  await world.close();
});

const withToken = (): string => `${url}/#token=${TOKEN.replaceAll(' ', '-')}`;

const heldPayment = (more: Partial<StubPayment> = {}): StubPayment => ({
  correlationId: randomUUID(),
  state: 'set aside',
  amountCents: 1_990,
  acceptedAt: new Date().toISOString(),
  instance: 0,
  attempts: 3,
  lastAnswer: { processor: 'default', outcome: 'refused', status: 400 },
  ...more,
});

async function shows(page: Page, selector: string, text: RegExp): Promise<void> {
  await waitUntil(
    `${selector} shows ${text}`,
    async () => {
      const shown = await page.locator(selector).innerText();
      assert.match(shown, text);
      return true;
    },
    { everyMs: 50 },
  );
}

test('it shows live figures of both instances, and the token leaves the address', async () => {
  const { page, complaints, close } = await openPage(browser, withToken());
  await shows(page, '#connection', /^live$/);
  assert.equal(page.url(), `${url}/`);
  await shows(page, '#alarms', /Nothing is wrong/);
  const numbers = [0, 1, 2].map(() => randomUUID());
  for (const id of numbers) assert.equal((await world.client.pay(id, '19.90')).status, 202);
  await shows(page, '#books', /default\s+3\s+59\.70\s+2\.99\s+56\.71/);
  await shows(page, '#instances', /0\s+takes payments\s+agreed[^]*1\s+takes payments\s+agreed/);
  await shows(page, '#processors', /default\s+works[^]*charged 3[^]*fallback\s+works/);
  await waitUntil('the chart has a line', async () => {
    const d = await page.locator('#rates path.line.accepted').getAttribute('d');
    return d !== null && d.length > 20;
  });
  assert.deepEqual(complaints, []);
  await close();
});

test('an alarm appears when a processor fails, and goes when it works', async () => {
  const { page, complaints, close } = await openPage(browser, withToken());
  await shows(page, '#alarms', /Nothing is wrong/);
  for (const { levers } of world.processors) await levers.setFailing(true);
  for (let n = 0; n < 20; n++) await world.client.pay(randomUUID(), '1.00');
  await shows(page, '#alarms', /default fails \(instances? 0/);
  await shows(page, '#processors', /default\s+fails/);
  await shows(page, '#backlog', /queued [1-9]/);
  for (const { levers } of world.processors) await levers.setFailing(false);
  await shows(page, '#alarms', /Nothing is wrong/);
  assert.deepEqual(complaints, []);
  await close();
});

test('a lever is pulled by the keyboard alone, and what the server says is shown', async () => {
  const payment = heldPayment({ unknown: true, state: 'at a processor', processor: 'default' });
  stub.payments = [heldPayment(), payment];
  stub.received.length = 0;
  const { page, complaints, close } = await openPage(browser, withToken());
  const button = page.getByRole('button', { name: `Give up ${payment.correlationId}` });
  await button.waitFor();
  const send = page.getByRole('button', { name: `Send ${payment.correlationId}` });
  assert.equal(await send.isDisabled(), true, 'a pinned payment goes nowhere else');
  const focused = page.locator(':focus');
  const isFocused = async (): Promise<boolean> =>
    (await focused.count()) === 1 &&
    (await focused.getAttribute('data-key')) === `give-up ${payment.correlationId}`;
  for (let presses = 0; presses < 60 && !(await isFocused()); presses++) {
    await page.keyboard.press('Tab');
  }
  assert.equal(await isFocused(), true, 'Tab reaches the lever');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.type('ana');
  await page.keyboard.press('Tab');
  await page.keyboard.type(HOSTILE);
  await page.keyboard.press('Enter');
  assert.equal(stub.received.length, 0, 'without the tick nothing is sent');
  // The browser went to the tick that is missing.
  await page.keyboard.press('Space');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  stub.answer = { status: 409, body: { error: 'conflict', reason: `no: ${HOSTILE}` } };
  await page.keyboard.press('Enter');
  await shows(page, '#lever-answer', /^Refused \(409\): no: <img/);
  stub.answer = { status: 200, body: { result: `given up ${HOSTILE}` } };
  await page.locator('#lever-reason').press('Enter');
  await shows(page, '#lever-answer', /^given up <img/);
  const { path, headers, body } = stub.received.at(-1) ?? assert.fail();
  assert.equal(path, `/payments/${payment.correlationId}/give-up`);
  assert.deepEqual(body, { actor: 'ana', reason: HOSTILE, mayBeCharged: true });
  assert.equal(headers['content-type'], 'application/json');
  assert.match(String(headers.authorization), /^Bearer a-token/);
  await page.keyboard.press('Escape');
  assert.equal(await page.getByRole('dialog').isVisible(), false);
  // The 409 is what the browser complains about.
  assert.ok(complaints.every((text) => text.includes('409')));
  await close();
});

test('whatever the lists have is text', async () => {
  stub.payments = [heldPayment({ state: HOSTILE, correlationId: HOSTILE })];
  stub.actions = [{ action: HOSTILE, correlationId: HOSTILE, actor: HOSTILE, reason: HOSTILE }];
  stub.anomalies = [{ correlationId: HOSTILE, kind: HOSTILE, foundAt: HOSTILE }];
  const { page, complaints, close } = await openPage(browser, withToken());
  for (const place of ['#payments', '#actions', '#anomalies']) await shows(page, place, /<img src/);
  assert.equal(await page.locator('table img').count(), 0);
  assert.deepEqual(complaints, []);
  stub.actions = [];
  stub.anomalies = [];
  await close();
});

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [1360, 360]) {
    test(`${colorScheme}, ${width} px wide: readable for all, and nothing hangs over`, async () => {
      stub.payments = [heldPayment(), heldPayment({ processor: 'fallback', unknown: true })];
      const viewport = { width, height: 800 };
      const { page, complaints, close } = await openPage(browser, withToken(), {
        colorScheme,
        viewport,
        reducedMotion: 'reduce',
      });
      await shows(page, '#connection', /^live$/);
      await page.locator('#payments table').waitFor();
      const wide = await page.evaluate('document.documentElement.scrollWidth');
      assert.equal(wide, width, 'no horizontal scrolling');
      await axeFinds(page, []);
      await page
        .getByRole('button', { name: /^Give up/ })
        .last()
        .click();
      await axeFinds(page, []);
      assert.deepEqual(complaints, []);
      await close();
    });
  }
}

/** By the rules of WCAG 2.2 A and AA, and axe's best practices. */
async function axeFinds(page: Page, expected: readonly string[]): Promise<void> {
  await page.evaluate(readFileSync(AXE, 'utf8'));
  const found = await page.evaluate<string>(
    `axe.run().then(({ violations }) => JSON.stringify(violations.map(
      ({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' '))))`,
  );
  assert.deepEqual(JSON.parse(found), expected);
}

test('a stream that the server ends in order is opened again, and no connection is said to be lost', async () => {
  const { page, complaints, close } = await openPage(browser, withToken());
  await shows(page, '#connection', /^live$/);
  await page.evaluate(`
    window.said = [];
    new MutationObserver(() => said.push(document.querySelector('#connection').innerText))
      .observe(document.querySelector('#connection'),
        { childList: true, characterData: true, subtree: true });`);
  for (const wanted of [stub.streams + 1, stub.streams + 2]) {
    stub.endStreams();
    await waitUntil('the next one is open', () => stub.streams >= wanted);
  }
  assert.deepEqual(await page.evaluate('said'), []);
  await shows(page, '#connection', /^live$/);
  assert.deepEqual(complaints, []);
  await close();
});

test('without the token it asks for one; when the server is gone it says so and comes back', async () => {
  const { page, close } = await openPage(browser, url);
  const input = page.locator('#token-input');
  await input.waitFor();
  await input.fill('another token that is wrong');
  await input.press('Enter');
  await input.waitFor();
  await input.fill(TOKEN.replaceAll(' ', '-'));
  await input.press('Enter');
  await shows(page, '#connection', /^live$/);
  const port = Number(new URL(url).port);
  stub.close();
  await shows(page, '#connection', /^connection lost/);
  await stub.listen(port);
  await shows(page, '#connection', /^live$/);
  await close();
});
