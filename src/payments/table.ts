// A table for a terminal. Columns that don't fit beside the others go to further lines of their
// row, indented; a text that is wider than the terminal is wrapped there.

export interface Column {
  readonly title: string;
  readonly isNumber?: true;
}

/** Columns that stand in one line, by number, with their widths. */
interface Line {
  readonly indent: number;
  readonly columns: { readonly index: number; readonly width: number }[];
  used: number;
}

const GAP = '  ';
const INDENT = 4;

/** The width of the terminal; without one COLUMNS, or 80. */
export function terminalWidth(): number {
  const given = process.stdout.columns ?? Number(process.env['COLUMNS']);
  return Number.isInteger(given) && given >= 40 ? given : 80;
}

/** `rows` have a safe text for each column. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): string {
  const lines = layOut(columns, rows, width);
  const titles = columns.map(({ title }) => title);
  return [titles, ...rows]
    .flatMap((row) => lines.flatMap((line) => printed(line, columns, row)))
    .join('\n');
}

function layOut(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): Line[] {
  const lines: Line[] = [{ indent: 0, columns: [], used: 0 }];
  for (const [index, { title }] of columns.entries()) {
    const widest = rows.reduce((most, row) => Math.max(most, lengthOf(row[index])), title.length);
    const last = lines.at(-1) as Line;
    const gap = last.columns.length === 0 ? 0 : GAP.length;
    const fits = last.indent + last.used + gap + widest <= width;
    if (fits || last.columns.length === 0) {
      last.columns.push({ index, width: Math.min(widest, width - last.indent) });
      last.used += gap + widest;
    } else {
      const most = Math.min(widest, width - INDENT);
      lines.push({ indent: INDENT, columns: [{ index, width: most }], used: most });
    }
  }
  return lines;
}

const lengthOf = (text = ''): number => Array.from(text).length;

/** The row's cells of one line; several lines if one of them has to be wrapped. */
function printed(line: Line, columns: readonly Column[], row: readonly string[]): string[] {
  const cells = line.columns.map(({ index, width }) => wrapped(row[index] ?? '', width));
  const height = Math.max(...cells.map((cell) => cell.length));
  return Array.from({ length: height }, (_, at) => {
    const parts = line.columns.map(({ index, width }, place) => {
      const text = cells[place]?.[at] ?? '';
      const blanks = ' '.repeat(width - lengthOf(text));
      return columns[index]?.isNumber === true ? blanks + text : text + blanks;
    });
    return (' '.repeat(line.indent) + parts.join(GAP)).trimEnd();
  });
}

/** Lines of at most `width` characters, broken at blanks where that is possible. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = Array.from(text);
  while (rest.length > width) {
    const blank = rest.lastIndexOf(' ', width);
    const end = blank > 0 ? blank : width;
    lines.push(rest.slice(0, end).join(''));
    rest = rest.slice(blank > 0 ? end + 1 : end);
  }
  return [...lines, rest.join('')];
}
