import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Schema } from '../../../src/columns/schema/schema.ts';
import { col } from '../../../src/plan/expression/functions.ts';
import { Frame } from '../../../src/stream/frame/frame.ts';
import { desc } from '../../../src/stream/frame/order.ts';
import { SALES, sales, unscaled, type Plain } from './frame-oracle.ts';

/** Where the package is not installed beside the tests: the URL of its module. */
const ELSEWHERE = process.env['TALLYSTREAM_TEST_ARROW'];

/** What the tests need to know of Arrow's own reading of a table. */
interface Vector {
  readonly nullCount: number;
  get(index: number): unknown;
  isValid(index: number): boolean;
  getChildAt(index: number): Vector | null;
  toArray(): ArrayLike<unknown>;
}
interface ArrowColumnType {
  toString(): string;
}
interface Table {
  readonly numRows: number;
  readonly schema: {
    readonly fields: readonly {
      readonly name: string;
      readonly nullable: boolean;
      readonly type: ArrowColumnType;
    }[];
  };
  getChild(name: string): Vector | null;
}
interface Arrow {
  readonly tableToIPC: (table: Table, format: 'stream' | 'file') => Uint8Array;
  readonly tableFromIPC: (bytes: Uint8Array) => Table;
}

let isHidden = false;
registerHooks({
  resolve(specifier, context, next) {
    if (specifier !== 'apache-arrow') return next(specifier, context);
    if (isHidden) return next('apache-arrow', { ...context, parentURL: 'file:///' });
    return next(ELSEWHERE ?? specifier, context);
  },
});

const NAME = 'apache-arrow';
const ABSENT = '../../../src/stream/frame/arrow-module.ts?absent';
const arrow = await (import(NAME) as Promise<Arrow>).catch(() => undefined);
const options = arrow === undefined ? { skip: 'apache-arrow is not installed' } : {};

/** What a vector holds at a place, as a row of ours shows it. */
function shown(vector: Vector, index: number, type: string): unknown {
  const value = vector.get(index);
  if (value === null) return null;
  if (type.startsWith('Decimal')) return unscaled(wordsOf(value as Uint32Array), 2);
  if (type.startsWith('Timestamp')) return new Date(value as number).toISOString();
  if (type.startsWith('Date')) return new Date(value as number).toISOString().slice(0, 10);
  if (type.startsWith('List')) {
    const list = value as Vector & { readonly length: number };
    const element = type.includes('Decimal') ? 'Decimal' : 'Utf8';
    return Array.from({ length: list.length }, (_, at) => shown(list, at, element));
  }
  return value;
}

function wordsOf(words: Uint32Array): bigint {
  const value = words.reduce((sum, word, index) => sum | (BigInt(word) << BigInt(32 * index)), 0n);
  return BigInt.asIntN(128, value);
}

function rowsOf(table: Table): unknown[] {
  const { fields } = table.schema;
  return Array.from({ length: table.numRows }, (_, index) =>
    Object.fromEntries(
      fields.map(({ name, type }) => {
        const vector = table.getChild(name) as Vector;
        if (name !== 'place') return [name, shown(vector, index, String(type))];
        const [country, city] = [0, 1].map((child) => (vector.getChildAt(child) as Vector).get(index));
        return [name, { country, city }];
      }),
    ),
  );
}

test('Arrow reads the rows that a frame has, also after it was written and read', options, async () => {
  await fc.assert(
    fc.asyncProperty(sales, fc.boolean(), async (rows, isReversed) => {
      const frame = Frame.fromRows<Schema>(SALES, rows);
      const given = isReversed ? frame.orderBy(desc('id')).filter(col('id').ne('ab')) : frame;
      const table = await given.toArrow<Table>();
      const expected = structuredClone(given.toRows() as Plain[]);
      assert.deepEqual(rowsOf(table), expected);
      const { tableFromIPC, tableToIPC } = arrow as Arrow;
      assert.deepEqual(rowsOf(tableFromIPC(tableToIPC(table, 'stream'))), expected);
    }),
    { numRuns: 100 },
  );
});

test('types are those of the schema', options, async () => {
  const table = await Frame.fromRows(SALES, []).toArrow<Table>();
  assert.deepEqual(
    table.schema.fields.map(
      ({ name, nullable, type }) => `${name} ${String(type)}${nullable ? '' : ' NOT NULL'}`,
    ),
    [
      'id Utf8 NOT NULL',
      'category Utf8',
      'amount Decimal[28e+2]',
      'quantity Int32',
      'big Int64',
      'ratio Float64',
      'at Timestamp<MICROSECOND, UTC> NOT NULL',
      'day Date32<DAY>',
      'isNew Bool',
      'place Struct<{country:Utf8, city:Utf8}> NOT NULL',
      'tags List<Utf8>',
      'prices List<Decimal[28e+2]>',
    ],
  );
});

test('microseconds are kept', options, async () => {
  const [row] = fc.sample(
    sales.filter((rows) => rows.length > 0),
    1,
  )[0] as Plain[];
  const frame = Frame.fromRows<Schema>(SALES, [{ ...row, at: '2025-06-26T14:11:33.123456Z' }] as never);
  const table = await frame.toArrow<Table>();
  const instants = table.getChild('at')?.toArray() ?? [];
  assert.deepEqual(Array.from(instants), [1_750_947_093_123_456n]);
});

test('says what to install where the package is absent', async () => {
  // The module cache answers for a package that was loaded before, so another name of the module asks anew.
  isHidden = true;
  const fresh = (await import(ABSENT)) as {
    arrowModule(): Promise<unknown>;
  };
  await assert.rejects(fresh.arrowModule(), {
    code: 'USAGE',
    message:
      /toArrow\(\) needs the package apache-arrow, which is not installed\. .* npm install apache-arrow@21/,
  });
  isHidden = false;
});
