import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { rowOf, type Row } from '../../src/columns/rows.ts';
import { leavesOf, optional, required, schema, types, type Schema } from '../../src/columns/schema/schema.ts';
import type { Cell } from '../../src/columns/set-cell.ts';
import { ColumnTable } from '../../src/columns/table.ts';
import { Bench, eventText, SCHEMA } from './events.ts';

const EVERY = leavesOf(SCHEMA).map((_, index) => index);

/** The cells of a row, one a leaf, as `appendCells` takes them. */
function cellsOf(ofSchema: Schema, row: Row): Cell[] {
  return leavesOf(ofSchema).map(({ path }) => {
    let at: unknown = row;
    for (const name of path.split('.')) at = (at as Row)[name];
    return at as Cell;
  });
}

function rowsOf(table: ColumnTable): Row[] {
  return Array.from({ length: table.count }, (_, row) => rowOf(table.batch, row));
}

test('rows outlive the chunk that they were copied from, whatever they hold', () => {
  let copied = 0;
  const property = fc.property(fc.array(eventText, { maxLength: 40 }), (texts) => {
    const bench = new Bench();
    const table = new ColumnTable(SCHEMA);
    const expected: Row[] = [];
    for (const text of texts) {
      if (bench.decode(text) !== undefined) continue;
      expected.push(rowOf(bench.batch, 1));
      table.appendRow(bench.batch, EVERY, 1);
      bench.batch.clearDictionaries();
    }
    copied += expected.length;
    assert.equal(table.count, expected.length);
    assert.deepEqual(rowsOf(table), expected);
  });
  fc.assert(property, { numRuns: 200 });
  assert.ok(copied > 200, `${copied} rows were copied`);
});

test('what a row shows can be appended again, and shows the same', () => {
  const property = fc.property(fc.array(eventText, { maxLength: 20 }), (texts) => {
    const bench = new Bench();
    const table = new ColumnTable(SCHEMA);
    const expected: Row[] = [];
    for (const text of texts) {
      if (bench.decode(text) !== undefined) continue;
      const row = rowOf(bench.batch, 1);
      expected.push(row);
      table.appendCells(cellsOf(SCHEMA, row));
    }
    assert.deepEqual(rowsOf(table), expected);
  });
  fc.assert(property, { numRuns: 200 });
});

test('columns may be left out, change places, and be kept as dictionaries or not', () => {
  const narrow = schema([
    optional('category', types.string(), ''),
    required('id', types.string({ dictionary: true }), ''),
    optional('wide', types.decimal(38, 4), ''),
  ]);
  const bench = new Bench();
  const table = new ColumnTable(narrow);
  const indexes = ['category', 'id', 'wide'].map((path) => bench.batch.indexOf(path));
  for (let number = 0; number < 100; number += 1) {
    const category = number % 3 === 0 ? 'null' : `"C${number % 7}"`;
    bench.decode(
      `{"id":"${number % 5}","at":"2025-06-26T14:11:33Z","amount":1,"category":${category},"wide":1e33}`,
    );
    table.appendRow(bench.batch, indexes, 1);
  }
  assert.deepEqual(
    rowsOf(table).map(({ category, id, wide }) => [category, id, wide]),
    Array.from({ length: 100 }, (_, number) => [
      number % 3 === 0 ? null : `C${number % 7}`,
      `${number % 5}`,
      `1${'0'.repeat(33)}.0000`,
    ]),
  );
  const ids = table.batch.columns[1];
  assert.equal(ids?.kind === 'dictionary' && ids.dictionary.size, 5);
});

test('a copy between columns of different kinds is a fault of ours', () => {
  const table = new ColumnTable(schema([optional('id', types.int(), '')]));
  const bench = new Bench();
  bench.decode('{"id":"1","at":"2025-06-26T14:11:33Z","amount":1}');
  assert.throws(
    () => table.appendRow(bench.batch, [0], 1),
    /kind string cannot go into a column of kind int/,
  );
  assert.throws(() => table.appendRow(bench.batch, [0, 1], 1), /2 columns for a table of 1/);
  assert.throws(() => table.appendCells([1, 2]), /2 cells for a table of 1 columns/);
});

test('cleared, a table is as new', () => {
  const table = new ColumnTable(schema([optional('name', types.string({ dictionary: true }), '')]));
  for (let number = 0; number < 50; number += 1) table.appendCells([`n${number}`]);
  assert.equal(table.count, 50);
  table.clear();
  assert.equal(table.count, 0);
  assert.equal(table.batch.dictionaryBytes, 0);
  table.appendCells(['x']);
  assert.deepEqual(
    rowsOf(table).map(({ name }) => name),
    ['x'],
  );
});

const CELLS = schema([
  required('text', types.string(), ''),
  optional('amount', types.decimal(4, 2), ''),
  optional('whole', types.int(), ''),
  optional('long', types.long(), ''),
  optional('ratio', types.double(), ''),
  optional('at', types.timestamp(), ''),
  optional('day', types.date(), ''),
  optional('isNew', types.boolean(), ''),
  optional('tags', types.array(types.string()), ''),
]);
const GOOD: Readonly<Record<string, Cell>> = { text: 'x' };

function cellsWith(cells: Readonly<Record<string, Cell>>): Cell[] {
  return CELLS.fields.map(({ name }) => ({ ...GOOD, ...cells })[name] ?? null);
}

const taken: [string, Cell, unknown][] = [
  ['amount', '1.5', '1.50'],
  ['amount', 3n, '3.00'],
  ['long', 7, 7n],
  ['long', '-9223372036854775808', -9223372036854775808n],
  ['ratio', -0, 0],
  ['ratio', NaN, null],
  ['at', '2025-06-26T16:11:33.25+02:00', '2025-06-26T14:11:33.250Z'],
  ['tags', [], []],
];

for (const [name, cell, shown] of taken) {
  test(`${name} takes ${typeof cell} ${String(cell)} as a cell`, () => {
    const table = new ColumnTable(CELLS);
    table.appendCells(cellsWith({ [name]: cell }));
    assert.deepEqual(rowOf(table.batch as ColumnTable['batch'], 0)[name], shown);
  });
}

const refused: [string, Cell, RegExp][] = [
  ['text', null, /text: null, but a value is required/],
  ['text', 1, /text: 1 is not a valid string/],
  ['text', '\ud800', /text: .* is not a valid string/],
  ['amount', '1.555', /amount: "1\.555" is not a valid decimal\(4,2\)/],
  ['amount', '100.00', /amount: "100\.00" is not a valid decimal\(4,2\)/],
  ['amount', 1.5, /amount: 1\.5 is not a valid decimal\(4,2\)/],
  ['whole', 2 ** 31, /whole: 2147483648 is not a valid int/],
  ['whole', 1.5, /whole: 1\.5 is not a valid int/],
  ['long', 2 ** 53, /long: .* is not a valid long/],
  ['long', 2n ** 63n, /long: .* is not a valid long/],
  ['ratio', '1', /ratio: "1" is not a valid double/],
  ['at', '2025-06-26', /at: .* is not a valid timestamp/],
  ['day', '2025-02-30', /day: .* is not a valid date/],
  ['isNew', 1, /isNew: 1 is not a valid boolean/],
  ['tags', 'a', /tags: "a" is not a valid array/],
  ['tags', ['a', null], /tags: null is not a valid string\[\]/],
  ['whole', [1], /whole: 1 is not a valid int/],
];

for (const [name, cell, message] of refused) {
  test(`${name} refuses ${typeof cell} ${String(cell)}, and the row is not there`, () => {
    const table = new ColumnTable(CELLS);
    table.appendCells(cellsWith({ text: 'before' }));
    assert.throws(() => table.appendCells(cellsWith({ [name]: cell })), { name: 'RangeError', message });
    table.appendCells(cellsWith({ text: 'after', tags: ['t'] }));
    assert.deepEqual(
      rowsOf(table).map((row) => [row['text'], row['tags'], row['amount']]),
      [
        ['before', null, null],
        ['after', ['t'], null],
      ],
    );
  });
}
