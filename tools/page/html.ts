// HTML that can't be broken by what is put into it.

export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = Html | string | number | readonly Html[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escaped = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');

function textOf(part: Part): string {
  if (part instanceof Html) return part.text;
  if (typeof part === 'string') return escaped(part);
  return typeof part === 'number' ? String(part) : part.map(({ text }) => text).join('');
}

/** A template whose values are escaped, but for those that are Html themselves. */
export function html(literals: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const [first = '', ...rest] = literals;
  const pieces = rest.map((literal, index) => textOf(parts[index] ?? '') + literal);
  return new Html(first + pieces.join(''));
}

export const NOTHING = html``;

/**
 * `kind`, on a phone: "folded": the last column has a line of its own, of four columns beside it;
 * "fitted": words break, so that three columns fit.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly (string | Html)[])[],
  kind: '' | 'folded' | 'fitted' = '',
): Html {
  const cells = (row: readonly (string | Html)[]): Html[] =>
    row.map((cell) => html`<td>${cell}</td>`);
  return html`<div class="wide ${kind}">
    <table>
      <thead>
        <tr>
          ${head.map((cell) => html`<th scope="col">${cell}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${cells(row)}
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`;
}
