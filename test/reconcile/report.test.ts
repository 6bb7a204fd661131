// Settlement reports: what they say is read exactly or refused with line and field, and compared id
// by id. What a processor says itself counts more than its report.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { readReport } from '../../src/reconcile/report-file.ts';
import type { ReportLine } from '../../src/reconcile/report-line.ts';
import { idToText } from '../../src/payment.ts';
import { SEED } from '../buffer/seed.ts';
import { DatabaseServer } from '../world/database.ts';
import { makeTempDirectory } from '../world/temp-directory.ts';
import { Books, idOf, kindsIn, NOON, REPAIR, row } from './books-fixture.ts';
import { openFront } from './processor-front.ts';

let server: DatabaseServer;
before(async () => {
  server = await DatabaseServer.start();
});
after(() => server.close());

const directory = makeTempDirectory();
let files = 0;

function fileOf(text: string | Buffer): string {
  const path = join(directory, `report-${++files}`);
  writeFileSync(path, text);
  return path;
}

async function linesIn(path: string): Promise<ReportLine[]> {
  const lines: ReportLine[] = [];
  for await (const line of readReport(path)) lines.push(line);
  return lines;
}

const read = (text: string | Buffer): Promise<ReportLine[]> => linesIn(fileOf(text));

const ONE = { correlationId: idOf(1), cents: 1990n, requestedAtMs: NOON };
const at = '2025-07-15T12:00:00.000Z';

test('the usual forms of a report say the same', async () => {
  const id = idOf(1).toUpperCase();
  const forms = [
    `correlationId,amount,requestedAt\n${id},19.90,${at}\n`,
    `\ufeffCorrelation_ID;AMOUNT;Requested At\r\n${id};19,9;${at}\r\n\r\n`,
    `"note","requestedat","amount","correlationid"\n"a ""b"", c\nd","${at}","19,90","${id}"`,
    `amount;x;correlationId;requestedAt\n19.9;;${id};2025-07-15 09:00:00,000-03:00`,
    `[{"correlationId":"${id}","amount":19.9,"requestedAt":"${at}","more":[1]}]`,
    `\ufeff {"CORRELATIONID":"${id}","Amount":"19,90","requestedAt":"${at}"}\n\n`,
  ];
  for (const form of forms) {
    const [line, ...more] = await read(form);
    const { line: _, ...values } = line as ReportLine;
    assert.deepEqual(values, ONE, form);
    assert.deepEqual(more, []);
  }
});

test('what can not be read is refused with its line and field', async () => {
  const head = 'correlationId,amount,requestedAt\n';
  const good = `${idOf(2)},1.00,${at}\n`;
  const wrong: readonly (readonly [string | Buffer, RegExp])[] = [
    ['', /is empty/],
    [Buffer.from(`\ufeff${head}`, 'utf16le'), /UTF-16/],
    [`correlationId,amount\n`, /line 1: has no column requestedAt/],
    [`correlationId,amount,requestedAt,Amount\n`, /line 1: has two columns amount/],
    [`${head}${good}${idOf(1)},1.234,${at}\n`, /line 3: amount "1\.234"/],
    [`${head}${idOf(1)},"1,234.00",${at}\n`, /line 2: amount/],
    [`${head}${idOf(1)},-1.00,${at}\n`, /line 2: amount/],
    [`${head}${idOf(1)},0.00,${at}\n`, /line 2: amount .* more than 0/],
    [`${head}${idOf(1)},1e3,${at}\n`, /line 2: amount/],
    [`${head}not-an-id,1.00,${at}\n`, /line 2: correlationId/],
    [`${head}${idOf(1)},1.00,2025-02-30T00:00:00Z\n`, /line 2: requestedAt/],
    [`${head}${idOf(1)},1.00\n`, /line 2/],
    [`${head}${idOf(1)},"1.00,${at}\n`, /line \d/],
    ['[{"correlationId":', /no JSON list/],
    [`[{"correlationId":"${idOf(1)}","requestedAt":"${at}"}]`, /line 1: amount is missing/],
    [`[{"correlationId":"${idOf(1)}","amount":1e21,"requestedAt":"${at}"}]`, /must be a text/],
    ['{"a":1}\n{oops}\n', /line 1: correlationId is missing/],
  ];
  for (const [text, message] of wrong) await assert.rejects(read(text), message);
  await assert.rejects(linesIn(directory), /can't be read/);
  await assert.rejects(linesIn(join(directory, 'none')), /can't be read/);
});

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

test('every report that is written is read back', async () => {
  const lines = fc.array(
    fc.record({
      words: fc.uint32Array({ minLength: 4, maxLength: 4 }),
      cents: fc.bigInt({ min: 1n, max: 9_999_999_999_999_999n }),
      requestedAtMs: fc.integer({ min: 0, max: 4_102_444_800_000 }),
      note: fc.string(),
      isUpper: fc.boolean(),
    }),
    { maxLength: 20 },
  );
  const form = fc.record({
    separator: fc.constantFrom(';', ','),
    point: fc.constantFrom('.', ','),
    end: fc.constantFrom('\n', '\r\n'),
    mark: fc.constantFrom('', '\ufeff'),
  });
  await fc.assert(
    fc.asyncProperty(lines, form, async (payments, { separator, point, end, mark }) => {
      const written = payments.map(({ words, cents, requestedAtMs, note, isUpper }) => {
        const id = idToText(words);
        const digits = String(cents).padStart(3, '0');
        return [
          quoted(note),
          quoted(`${digits.slice(0, -2)}${point}${digits.slice(-2)}`),
          isUpper ? id.toUpperCase() : id,
          new Date(requestedAtMs).toISOString(),
        ].join(separator);
      });
      const names = ['note', 'amount', 'correlationId', 'requestedAt'].join(separator);
      const found = await read(mark + [names, ...written].join(end));
      assert.deepEqual(
        found.map(({ correlationId, cents, requestedAtMs }) => [
          correlationId,
          cents,
          requestedAtMs,
        ]),
        payments.map(({ words, cents, requestedAtMs }) => [idToText(words), cents, requestedAtMs]),
      );
    }),
    { seed: SEED, numRuns: 200 },
  );
});

test('any bytes are read or refused, and never crash the reader', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      try {
        for (const line of await read(Buffer.from(bytes))) assert.ok(line.cents > 0n);
      } catch (error) {
        assert.equal((error as Error).constructor.name, 'ReportError', String(error));
      }
    }),
    { seed: SEED, numRuns: 300 },
  );
});

const csv = (...rows: readonly (readonly [number, string, number])[]): string =>
  ['correlationId;amount;requestedAt']
    .concat(rows.map(([n, amount, ms]) => `${idOf(n)};${amount};${new Date(ms).toISOString()}`))
    .join('\n');

test('a report finds what the processor has beyond the ledger, and the processor has the last word', async (context) => {
  const books = await Books.open(server, context);
  const fronts = await Promise.all(books.processors.map(({ url }) => openFront(url, context)));
  await books.settle(row(1), row(2), row(5, 1));
  await books.charge(row(3));
  const path = fileOf(
    csv([1, '19,90', NOON + 1], [2, '20,00', NOON + 2], [3, '19,90', NOON + 3], [4, '1,00', NOON]),
  );
  const found = await books.reconcileThrough(fronts, '--report-default', path, ...REPAIR);
  assert.equal(found.code, 1, found.output);
  assert.deepEqual(kindsIn(found.printed), {
    [idOf(2)]: 'the report differs from its processor',
    [idOf(3)]: 'missing in the ledger',
    [idOf(4)]: 'the report differs from its processor',
  });
  assert.deepEqual(
    found.printed?.outcomes?.map(({ what }) => what),
    [idOf(3)],
  );
  const rows = await books.query<{ cents: string }>(
    `SELECT amount_cents::text AS cents FROM payments`,
  );
  assert.deepEqual(
    rows.map(({ cents }) => cents),
    ['1990', '1990', '1990', '1990'],
    'a wrong report changes nothing',
  );
});

test('a report that can not be used ends with 2 and changes nothing', async (context) => {
  const books = await Books.open(server, context);
  await books.charge(row(1));
  const twice = fileOf(csv([1, '19,90', NOON + 1], [2, '1,00', NOON], [1, '19,90', NOON + 1]));
  for (const [path, message] of [
    [twice, /line 4: correlationId .* is in line 2 too/],
    [fileOf('a,b\n1,2\n'), /line 1: has no column correlationId/],
    [join(directory, 'none'), /can't be read/],
  ] as const) {
    const { code, output } = await books.reconcile('--report-default', path, ...REPAIR);
    assert.equal(code, 2, output);
    assert.match(output, message);
    assert.deepEqual(await books.query('SELECT * FROM payments'), []);
  }
});
