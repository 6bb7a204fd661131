// Reads a settlement report of a processor: CSV (with ; or , between fields and a line of names), a
// list in JSON, or one JSON object a line. CSV and lines are streamed, so they may be of any size.

import { createReadStream } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { CsvError, parse } from 'csv-parse';
import { FIELDS, fieldNamed, readLine, ReportError, type Field } from './report-line.ts';
import type { ReportLine } from './report-line.ts';

/** A JSON list is read as a whole. */
const LIST_BYTES_MAX = 64 * 1024 * 1024;
const HEAD_BYTES = 64 * 1024;
const LINE_BYTES_MAX = 64 * 1024;
const UTF_16 = /^(?:\xff\xfe|\xfe\xff)/;

/** The lines of the report in their order. @throws ReportError */
export async function* readReport(path: string): AsyncGenerator<ReportLine> {
  try {
    const head = await headOf(path);
    if (UTF_16.test(head)) throw new ReportError('is UTF-16: save it as UTF-8');
    const start = head.replace(/^\xef\xbb\xbf/, '').trimStart();
    if (start === '') throw new ReportError('is empty');
    if (start.startsWith('[')) yield* listed(path);
    else if (start.startsWith('{')) yield* objects(path);
    else yield* rows(path, separatorIn(start));
  } catch (error) {
    throw named(path, error);
  }
}

function named(path: string, error: unknown): unknown {
  if (error instanceof CsvError) {
    const { message, lines } = error as CsvError & { readonly lines?: number };
    return new ReportError(`${path}, line ${lines ?? '?'}: ${message}`);
  }
  if (error instanceof ReportError) {
    return new ReportError(
      `${path}${error.message.startsWith('line') ? ', ' : ' '}${error.message}`,
    );
  }
  const { code, message } = error as NodeJS.ErrnoException;
  return code === undefined ? error : new ReportError(`${path} can't be read: ${message}`);
}

/** In latin1: one character a byte. */
async function headOf(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await file.close();
  }
}

/** An amount may have a comma, so a semicolon in the line of names decides. */
function separatorIn(start: string): ';' | ',' {
  const [names = ''] = start.split(/[\r\n]/, 1);
  return names.includes(';') ? ';' : ',';
}

async function* rows(path: string, delimiter: ';' | ','): AsyncGenerator<ReportLine> {
  const parser = createReadStream(path).pipe(
    parse({
      delimiter,
      bom: true,
      info: true,
      trim: true,
      skip_empty_lines: true,
      max_record_size: LINE_BYTES_MAX,
    }),
  );
  let places: Readonly<Record<Field, number>> | undefined;
  for await (const found of parser) {
    const { record, info } = found as { record: string[]; info: { lines: number } };
    if (places === undefined) places = placesOf(record);
    else {
      const text = (field: Field): string => record[places?.[field] ?? -1] ?? '';
      yield readLine(textsBy(text), info.lines);
    }
  }
}

const textsBy = (text: (field: Field) => string): Record<Field, string> => ({
  correlationId: text('correlationId'),
  amount: text('amount'),
  requestedAt: text('requestedAt'),
});

/** Where each field is. Other columns are ignored. */
function placesOf(names: readonly string[]): Record<Field, number> {
  const fields = names.map(fieldNamed);
  for (const field of FIELDS) {
    const count = fields.filter((one) => one === field).length;
    if (count === 1) continue;
    const what = count === 0 ? 'has no column' : 'has two columns';
    throw new ReportError(`line 1: ${what} ${field} (columns: ${names.join(', ').slice(0, 200)})`);
  }
  const at = (field: Field): number => fields.indexOf(field);
  return {
    correlationId: at('correlationId'),
    amount: at('amount'),
    requestedAt: at('requestedAt'),
  };
}

async function* listed(path: string): AsyncGenerator<ReportLine> {
  const { size } = await stat(path);
  if (size > LIST_BYTES_MAX) {
    throw new ReportError('is a list of more than 64 MiB: write CSV, or one object a line');
  }
  const list = parsed(await readFile(path, 'utf8'), 'is no JSON list');
  if (!Array.isArray(list)) throw new ReportError('is no JSON list');
  for (const [index, entry] of (list as unknown[]).entries()) yield readObject(entry, index + 1);
}

async function* objects(path: string): AsyncGenerator<ReportLine> {
  let line = 0;
  for await (const text of createInterface({
    input: createReadStream(path),
    crlfDelay: Infinity,
  })) {
    line++;
    if (text.trim() === '') continue;
    yield readObject(parsed(text, `line ${line}: is no JSON object`), line);
  }
}

function parsed(text: string, wrong: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch {
    throw new ReportError(wrong);
  }
}

function readObject(value: unknown, line: number): ReportLine {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ReportError(`line ${line}: is no JSON object`);
  }
  const found = new Map<Field, unknown>();
  for (const [name, content] of Object.entries(value)) {
    const field = fieldNamed(name);
    if (field === undefined) continue;
    if (found.has(field)) throw new ReportError(`line ${line}: has ${field} twice`);
    found.set(field, content);
  }
  return readLine(
    textsBy((field) => textOf(found, field, line)),
    line,
  );
}

/** A number has at most 15 digits, which JSON.parse keeps. */
const NUMBER_MAX = 1e13;

function textOf(found: ReadonlyMap<Field, unknown>, field: Field, line: number): string {
  const content = found.get(field);
  if (typeof content === 'string') return content;
  if (field === 'amount' && typeof content === 'number') {
    if (content < NUMBER_MAX) return String(content);
    throw new ReportError(`line ${line}: amount ${content} must be a text to be exact`);
  }
  throw new ReportError(
    `line ${line}: ${field} is ${content === undefined ? 'missing' : 'no text'}`,
  );
}
