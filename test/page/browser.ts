// Debian's Chromium, driven by playwright-core. As root a missing one is installed; otherwise the
// test says which package is missing.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

const PROGRAMS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const isRoot = process.getuid?.() === 0;

function findChromium(): string {
  const found = PROGRAMS.find((path) => existsSync(path));
  if (found !== undefined) return found;
  if (!isRoot) throw new Error('needs the package chromium: apt-get install chromium');
  const options = ['-qq', '-o', 'DPkg::Lock::Timeout=120'];
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const run = (...words: readonly string[]): void => {
    execFileSync('apt-get', [...options, ...words], { env: environment, stdio: 'inherit' });
  };
  run('update');
  run('install', '-y', '--no-install-recommends', 'chromium');
  return findChromium();
}

export async function openBrowser(): Promise<Browser> {
  // Chromium's sandbox doesn't start as root, nor where user namespaces are barred.
  return chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox'] });
}

export interface Opened {
  readonly page: Page;
  /** What the console and the page itself complained about. */
  readonly complaints: readonly string[];
  readonly close: () => Promise<void>;
}

export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(url);
  return { page, complaints, close: () => context.close() };
}
