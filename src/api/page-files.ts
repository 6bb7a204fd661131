// The files of the page, read once.

import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import type { Reply } from './replies.ts';

const DIRECTORY = new URL('../page/', import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The page loads and asks this server alone, and nobody shows it in a frame. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/** Answers by path: "/" is index.html, the others are at /page/. */
export function readPageFiles(): ReadonlyMap<string, Reply> {
  const files = new Map<string, Reply>();
  for (const name of readdirSync(DIRECTORY)) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const body = readFileSync(new URL(name, DIRECTORY), 'utf8');
    const headers = ['Content-Type', type, 'Content-Length', String(Buffer.byteLength(body))];
    headers.push('Content-Security-Policy', POLICY, 'Referrer-Policy', 'no-referrer');
    const reply = { status: 200, headers, body };
    files.set(name === 'index.html' ? '/' : `/page/${name}`, reply);
  }
  return files;
}
