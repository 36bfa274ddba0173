/** Results of batches as the engine gives them to sinks, with rows that a test says. */
import { optional, required, schema, types, type Schema } from '../../src/columns/schema/schema.ts';
import type { Cell } from '../../src/columns/set-cell.ts';
import { ColumnTable } from '../../src/columns/table.ts';
import { NO_ACCOUNTING, type AggregateChange } from '../../src/contracts/batch.ts';
import type { BatchResult, ResultTable } from '../../src/contracts/batch-result.ts';

export function tableOf<S extends Schema>(ofSchema: S, rows: readonly (readonly Cell[])[]): ColumnTable<S> {
  const table = new ColumnTable(ofSchema);
  for (const row of rows) table.appendCells(row);
  return table;
}

export function resultOf(
  batchId: number,
  outputs: readonly ResultTable[],
  aggregates: readonly AggregateChange[] = [],
): BatchResult {
  const accepted = outputs.reduce((sum, { table }) => sum + table.count, 0);
  return {
    plan: {
      batchId,
      topicId: 't',
      ranges: [],
      lost: [],
      clockMs: 0,
      watermarkMicros: null,
      idlePartitions: [],
    },
    accounting: { ...NO_ACCOUNTING, read: accepted, accepted },
    aggregates,
    sample: [],
    lost: [],
    deadLetters: () => [],
    outputs: () => outputs,
    allGroups: () => [],
  };
}

/** What an aggregate over windows gives, its key optional as a column of events may be. */
export const GROUPS = schema([
  required(
    'window',
    types.struct([required('start', types.timestamp(), ''), required('end', types.timestamp(), '')]),
    '',
  ),
  optional('kind', types.string({ dictionary: true }), ''),
  optional('total', types.decimal(28, 2), ''),
  required('events', types.long(), ''),
]);

/** Every type that there is, and every way of being null. */
export const EVERYTHING = schema([
  required('text', types.string(), ''),
  optional('word', types.string({ dictionary: true }), ''),
  optional('flag', types.boolean(), ''),
  optional('small', types.int(), ''),
  optional('large', types.long(), ''),
  optional('ratio', types.double(), ''),
  optional('price', types.decimal(9, 2), ''),
  required('amount', types.decimal(18, 4), ''),
  optional('huge', types.decimal(38, 2), ''),
  optional('at', types.timestamp(), ''),
  optional('day', types.date(), ''),
  optional('tags', types.array(types.string(), { containsNull: true }), ''),
  required('sums', types.array(types.decimal(30, 1)), ''),
  optional(
    'place',
    types.struct([optional('city', types.string(), ''), required('code', types.int(), '')]),
    '',
  ),
]);

export const EVERYTHING_ROWS: readonly (readonly Cell[])[] = [
  [
    'a "quoted" 家\u2028text',
    'word',
    true,
    -(2 ** 31),
    9_223_372_036_854_775_807n,
    0.1,
    '-9999999.99',
    '12345678901234.5678',
    `-${'9'.repeat(36)}.99`,
    '2025-06-26T14:11:33.250001Z',
    '1969-12-31',
    ['x', null, ''],
    [`${'9'.repeat(29)}.9`, '-0.1'],
    'Berlin',
    10,
  ],
  ['', null, null, null, null, null, null, '0.0000', null, null, null, null, [], null, null],
  [
    'b',
    'word',
    false,
    7,
    -1n,
    1e300,
    '0.01',
    '-0.0001',
    '9007199254740993.01',
    '1969-12-31T23:59:59.999Z',
    '2025-06-26',
    [],
    ['1.0'],
    null,
    20,
  ],
];
