import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeSchema, schemaMarkdown } from '../../../src/columns/schema/describe.ts';
import { optional, required, schema, types } from '../../../src/columns/schema/schema.ts';

const SCHEMA = schema([
  required('id', types.string(), 'Names the event.'),
  optional('place', types.struct([required('city', types.string(), 'The city.')]), 'Where it was.'),
  optional('tags', types.array(types.string()), 'Words.'),
  required('scores', types.array(types.long(), { containsNull: true }), 'Points.'),
]);

test('every field is described in schema order, what is inside behind its struct or array', () => {
  assert.deepEqual(describeSchema(SCHEMA), [
    { path: 'id', type: 'STRING', required: true, doc: 'Names the event.' },
    { path: 'place', type: 'STRUCT<city: STRING NOT NULL>', required: false, doc: 'Where it was.' },
    { path: 'place.city', type: 'STRING', required: true, doc: 'The city.' },
    { path: 'tags', type: 'ARRAY<STRING>', required: false, doc: 'Words.' },
    { path: 'tags[]', type: 'STRING', required: true, doc: 'Each element of tags.' },
    { path: 'scores', type: 'ARRAY<BIGINT>', required: true, doc: 'Points.' },
    { path: 'scores[]', type: 'BIGINT', required: false, doc: 'Each element of scores.' },
  ]);
});

test('the same as a table', () => {
  assert.equal(
    schemaMarkdown(SCHEMA),
    [
      '| Field        | Type                            | Required | Meaning                 |',
      '| ------------ | ------------------------------- | -------- | ----------------------- |',
      '| `id`         | `STRING`                        | yes      | Names the event.        |',
      '| `place`      | `STRUCT<city: STRING NOT NULL>` | no       | Where it was.           |',
      '| `place.city` | `STRING`                        | yes      | The city.               |',
      '| `tags`       | `ARRAY<STRING>`                 | no       | Words.                  |',
      '| `tags[]`     | `STRING`                        | yes      | Each element of tags.   |',
      '| `scores`     | `ARRAY<BIGINT>`                 | yes      | Points.                 |',
      '| `scores[]`   | `BIGINT`                        | no       | Each element of scores. |',
    ].join('\n'),
  );
});

test('no name and no text ends its cell', () => {
  const odd = schema([
    optional('a|b', types.int(), 'One | two.'),
    optional('`x``', types.int(), 'A line,\n  and another.'),
  ]);
  assert.equal(
    schemaMarkdown(odd),
    [
      '| Field        | Type  | Required | Meaning              |',
      '| ------------ | ----- | -------- | -------------------- |',
      '| `a\\|b`       | `INT` | no       | One \\| two.          |',
      '| ``` `x`` ``` | `INT` | no       | A line, and another. |',
    ].join('\n'),
  );
});
