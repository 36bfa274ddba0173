import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ddlType, toDdl } from '../../../src/columns/schema/ddl.ts';
import { optional, required, schema, types } from '../../../src/columns/schema/schema.ts';

test('every type has its word', () => {
  const words = [
    [types.string(), 'STRING'],
    [types.string({ dictionary: true }), 'STRING'],
    [types.boolean(), 'BOOLEAN'],
    [types.int(), 'INT'],
    [types.long(), 'BIGINT'],
    [types.double(), 'DOUBLE'],
    [types.decimal(38, 4), 'DECIMAL(38,4)'],
    [types.timestamp(), 'TIMESTAMP'],
    [types.date(), 'DATE'],
    [types.array(types.decimal(5, 2)), 'ARRAY<DECIMAL(5,2)>'],
    [types.array(types.long(), { containsNull: true }), 'ARRAY<BIGINT>'],
    [types.struct([]), 'STRUCT<>'],
  ] as const;
  for (const [type, word] of words) assert.equal(ddlType(type), word);
});

test('fields are named, and required ones are NOT NULL, in structs too', () => {
  const place = types.struct([
    required('city', types.string(), ''),
    optional(
      'spot',
      types.struct([
        required('north', types.double(), ''),
        optional('tags', types.array(types.string()), ''),
      ]),
      '',
    ),
  ]);
  assert.equal(
    toDdl(schema([required('id', types.string(), ''), optional('place', place, '')])),
    'id STRING NOT NULL, place STRUCT<city: STRING NOT NULL, spot: STRUCT<north: DOUBLE NOT NULL, tags: ARRAY<STRING>>>',
  );
});

test('a name that is no plain identifier stands in backticks', () => {
  const quoted: readonly (readonly [string, string])[] = [
    ['a_B9', 'a_B9'],
    ['_', '_'],
    ['9a', '`9a`'],
    ['1e5', '`1e5`'],
    ['a b', '`a b`'],
    ['größe', '`größe`'],
    ['a-b', '`a-b`'],
    ['a`b', '`a``b`'],
    ['``', '``````'],
    ['"', '`"`'],
    ['a, b INT', '`a, b INT`'],
  ];
  for (const [name, ddl] of quoted) {
    const field = optional(name, types.int(), '');
    assert.equal(toDdl(schema([field])), `${ddl} INT`);
    assert.equal(ddlType(types.struct([field])), `STRUCT<${ddl}: INT>`);
  }
});
