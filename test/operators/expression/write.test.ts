import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ColumnBatch, type Column } from '../../../src/columns/column-chunk.ts';
import { rowOf } from '../../../src/columns/rows.ts';
import { optional, schema, types, type LeafType } from '../../../src/columns/schema/schema.ts';
import { TimeZone } from '../../../src/columns/values/timezone.ts';
import { InvariantError } from '../../../src/errors.ts';
import { compileInto } from '../../../src/operators/expression/write.ts';
import { columnTypeOf } from '../../../src/plan/expression/analyze.ts';
import { columnsOf } from '../../../src/plan/expression/columns-of.ts';
import type { Expr } from '../../../src/plan/expression/expr.ts';
import { concat, lit, toDate } from '../../../src/plan/expression/functions.ts';
import { decodedRows, ROWS, SCHEMA } from './spark/rows.ts';

const UTC = TimeZone.of('UTC');
const { s, w, b, i, j, l, d, p, q, z, t, day } = columnsOf(SCHEMA);

/** All rows of an expression, through a column of `type` in a batch of its own. */
function written(
  expression: Expr,
  type: LeafType = columnTypeOf(expression, SCHEMA, 'withColumn'),
): unknown[] {
  const batch = decodedRows();
  const target = new ColumnBatch(schema([optional('x', type, '')]), ROWS.length);
  target.reset(new Uint8Array(7), ROWS.length);
  const write = compileInto(expression, batch, UTC, target.columns[0] as Column, target.space);
  ROWS.forEach((_, row) => write(row));
  return ROWS.map((_, row) => rowOf(target, row)['x']);
}

test('writes every type, with its nulls', () => {
  assert.deepEqual(written(i.cast('long').negate()).slice(0, 4), [-3n, null, 0n, 7n]);
  assert.deepEqual(written(i.isNull()).slice(0, 3), [false, true, false]);
  assert.deepEqual(written(b).slice(0, 5), [true, null, false, true, null]);
  assert.deepEqual(written(l).slice(3, 5), [-9_223_372_036_854_775_808n, 9_223_372_036_854_775_807n]);
  assert.deepEqual(written(d.negate()).slice(0, 3), [-0.5, null, 0]);
  assert.deepEqual(written(p.plus('0.005')).slice(0, 4), ['12.505', null, '0.005', '-0.045']);
  assert.deepEqual(written(z)[4], '9'.repeat(38));
  assert.deepEqual(written(q.negate().cast('decimal(38,2)'))[7], '123.45');
  assert.deepEqual(written(t)[0], '2025-06-26T23:02:03.120Z');
  assert.deepEqual(written(toDate(t, 'Europe/Berlin'))[0], '2025-06-27');
  assert.deepEqual(written(day)[3], '0001-01-01');
  assert.deepEqual(written(i.times(0)).slice(0, 3), [0, null, 0]);
});

test('a zero is never negative, as columns have it', () => {
  for (const value of [
    written(d.negate())[2],
    written(j.times(-1))[2],
    written(i.mod(7))[3],
    written(d.mod(i.cast('double').negate().minus(1)))[2],
  ])
    assert.ok(Object.is(value, 0), String(value));
});

test('writes text into an arena or a dictionary, whatever its length', () => {
  const words = types.string({ dictionary: true });
  const long = concat(lit('😀'.repeat(200)), s);
  for (const type of [types.string(), words]) {
    assert.deepEqual(written(s.upper(), type).slice(0, 4), ['ABC', null, '', '  STRASSE FI ']);
    assert.deepEqual(written(s, type)[4], 'a😀c');
    assert.deepEqual(written(w, type).slice(0, 4), ['Books', null, '', 'ΑΣ']);
    assert.deepEqual(written(long, type)[4], `${'😀'.repeat(200)}a😀c`);
  }
});

test('text that a column of the same batch holds is pointed at, and other text goes behind its chunk', () => {
  const batch = decodedRows();
  const target = new ColumnBatch(schema([optional('x', types.string(), '')]), ROWS.length);
  const [column] = target.columns as [Column & { kind: 'string' }];
  const used = batch.space.arenaUsed;
  const copy = compileInto(s, batch, UTC, column);
  const change = compileInto(s.lower(), batch, UTC, column);
  copy(0);
  assert.equal(batch.space.arenaUsed, used);
  assert.equal(batch.space.text(column.start[0] as number, column.end[0] as number), 'abc');
  change(0);
  assert.equal(batch.space.arenaUsed, used + 3);
  assert.equal(batch.space.text(column.start[0] as number, column.end[0] as number), 'abc');
});

test('a column of another type is a fault', () => {
  const pairs: [Expr, LeafType][] = [
    [i, types.long()],
    [p, types.decimal(18, 3)],
    [s, types.int()],
    [b, types.string()],
    [day, types.timestamp()],
    [i, types.array(types.int())],
  ];
  for (const [expression, type] of pairs) assert.throws(() => written(expression, type), InvariantError);
});
