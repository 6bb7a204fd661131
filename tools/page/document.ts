// The frame of a page: one file that asks for nothing else, and runs no script.

import { html, Html } from './html.ts';
import { STYLE } from './style.ts';

const POLICY = "default-src 'none'; style-src 'unsafe-inline'";

export function document(title: string, body: Html): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${new Html(POLICY)}" />
        <meta name="viewport" content="width=device-width,initial-scale=1" />
        <title>${title}</title>
        <style>
          ${STYLE}
        </style>
      </head>
      <body>
        ${body}
      </body>
    </html> `.text;
}

export const tile = (value: string, what: string, kind = ''): Html =>
  html`<div class="tile"><b class="${kind}">${value}</b><span>${what}</span></div>`;
