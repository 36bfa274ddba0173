import assert from 'node:assert/strict';
import { test } from 'node:test';
import { optional, schema, types } from '../../../src/columns/schema/schema.ts';
import { columnsOf } from '../../../src/plan/expression/columns-of.ts';

const SCHEMA = schema([
  optional('quantity', types.int(), ''),
  optional('place', types.struct([optional('constructor', types.string(), '')]), ''),
  optional('__proto__', types.string(), ''),
]);

test('every field is a column under its path', () => {
  const columns = columnsOf(SCHEMA);
  assert.deepEqual(columns.quantity.node, { kind: 'column', path: 'quantity' });
  assert.deepEqual(columns.place.constructor.node, { kind: 'column', path: 'place.constructor' });
  assert.deepEqual(columns['__proto__'].node, { kind: 'column', path: '__proto__' });
});

test('a name that no field has is an error with the names that there are', () => {
  const columns = columnsOf(SCHEMA) as unknown as Record<string, Record<string, unknown>>;
  assert.throws(
    () => columns['quantty'],
    /There is no column "quantty"\. The columns are quantity, place, __proto__\./,
  );
  assert.throws(() => columns['constructor'], /no column "constructor"/);
  assert.throws(
    () => columns['place']?.['toString'],
    /In place there is no column "toString"\. The columns are constructor\./,
  );
});
