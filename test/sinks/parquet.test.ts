import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rowOf } from '../../src/columns/rows.ts';
import { loadParquet } from '../../src/sinks/parquet.ts';
import { readParquet, withoutParquet } from './read-parquet.ts';
import { EVERYTHING, EVERYTHING_ROWS, tableOf } from './results.ts';

test('columns have logical types that readers know', { skip: withoutParquet }, async () => {
  const write = await loadParquet();
  const { schema } = await readParquet(write(tableOf(EVERYTHING, EVERYTHING_ROWS)));
  const element = (name: string) => schema.find((one) => one.name === name);
  const decimal = (precision: number, scale: number) => ({
    converted_type: 'DECIMAL',
    logical_type: { type: 'DECIMAL', precision, scale },
    precision,
    scale,
  });
  const expected = {
    text: { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
    large: { type: 'INT64', repetition_type: 'OPTIONAL' },
    price: { type: 'INT32', ...decimal(9, 2) },
    amount: { type: 'INT64', ...decimal(18, 4) },
    huge: { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, ...decimal(38, 2) },
    at: { type: 'INT64', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' } },
    day: { type: 'INT32', converted_type: 'DATE' },
    tags: { converted_type: 'LIST', num_children: 1, repetition_type: 'OPTIONAL' },
    place: { num_children: 2, repetition_type: 'OPTIONAL' },
  };
  for (const [name, part] of Object.entries(expected))
    assert.partialDeepStrictEqual(element(name), part, name);
});

test('every value comes back, decimals to the last digit', { skip: withoutParquet }, async () => {
  const write = await loadParquet();
  const table = tableOf(EVERYTHING, EVERYTHING_ROWS);
  const { rows } = await readParquet(write(table), 'raw');
  assert.equal(rows.length, table.count);
  for (const [index, read] of rows.entries()) {
    const row = rowOf(table.batch, index);
    const { place } = row;
    const expected = {
      ...row,
      price: unscaled(row.price),
      amount: unscaled(row.amount),
      huge: unscaled(row.huge),
      at: row.at === null ? null : new Date(row.at).getTime(),
      day: row.day === null ? null : new Date(row.day).getTime(),
      sums: row.sums.map((sum) => unscaled(sum)),
      place: place.code === null ? null : place,
    };
    assert.deepEqual(comparable(read), comparable(expected));
  }
});

test('the same rows are the same bytes, and none are a file too', { skip: withoutParquet }, async () => {
  const write = await loadParquet();
  const bytes = write(tableOf(EVERYTHING, EVERYTHING_ROWS));
  assert.ok(Buffer.from(write(tableOf(EVERYTHING, EVERYTHING_ROWS))).equals(bytes));
  const none = await readParquet(write(tableOf(EVERYTHING, [])));
  assert.equal(none.rows.length, 0);
});

/** `-9.50` is -950. */
function unscaled(decimal: string | null): bigint | null {
  return decimal === null ? null : BigInt(decimal.replace('.', ''));
}

/** Bytes of a decimal as the number that they are; instants and days, which the reader makes dates, as milliseconds. */
function comparable(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  if (value instanceof Date) return BigInt(value.getTime());
  if (value instanceof Uint8Array)
    return BigInt.asIntN(value.length * 8, BigInt(`0x${Buffer.from(value).toString('hex')}`));
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, comparable(part)]));
}
