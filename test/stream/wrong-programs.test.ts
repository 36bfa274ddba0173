/** What a program in JavaScript is told, which no compiler has seen. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSession } from '../../src/compose/session.ts';
import { required, schema, types } from '../../src/columns/schema/schema.ts';
import { upper } from '../../src/plan/expression/functions.ts';
import { count } from '../../src/plan/measure.ts';
import { describeStream } from '../../src/stream/describe-stream.ts';

const ORDERS = schema([
  required('id', types.string(), 'which'),
  required('at', types.timestamp(), 'when'),
  required('pieces', types.int(), 'how many'),
]);
const orders = describeStream(ORDERS);

const RULES: readonly (readonly [rule: object, says: RegExp])[] = [
  [
    { kind: 'characters', field: 'ident', min: 1, max: 2 },
    /the rule characters has the field "ident", but the fields of the events are id, at, pieces/,
  ],
  [
    { kind: 'between', field: 'id', min: '0', max: null },
    /the rule between needs int or decimal as its field, but id is string/,
  ],
  [{ kind: 'notAhead', field: 'pieces', toleranceMs: 0 }, /needs timestamp as its field, but pieces is int/],
  [{ kind: 'amount', total: 'id' }, /the rule amount needs decimal as its total, but id is string/],
  [
    { kind: 'oneOf', field: 'id', values: [], expected: '', refused: {} },
    /a dictionary field; declare id as types\.string\(\{ dictionary: true \}\)/,
  ],
  [{ kind: 'toString' }, /there is no rule "toString"; the rules are characters, oneOf, between/],
];

for (const [rule, says] of RULES) {
  test(`a rule that cannot be is refused where it is written: ${JSON.stringify(rule)}`, () => {
    assert.throws(() => orders.validate([rule as never]), { code: 'USAGE', message: says });
  });
}

test('rules speak about the events as they are read', () => {
  const computed = orders.withColumn('more', ({ pieces }) => pieces.plus(1));
  assert.throws(() => computed.validate([{ kind: 'between', field: 'more', min: '0', max: null }]), {
    code: 'USAGE',
    message: /before any column is computed/,
  });
});

test('a key without a name is called by its text, as in Spark', () => {
  const grouped = orders.groupBy((({ id }: { id: never }) => [upper(id)]) as never).agg({ n: count() });
  assert.deepEqual(
    grouped.schema.fields.map(({ name }) => name),
    ['upper(id)', 'n'],
  );
});

for (const [rows, says] of [
  ['x', /addData: it takes an array of rows/],
  [[null], /addData: row 0 is not an object/],
  [[{ id: 'a', tags: 'x' }], /addData: in row 0, "x" is not an array/],
  [
    [
      { id: 'a', tags: [] },
      { id: 5n, tags: [] },
    ],
    /addData: in row 1, 5 is not a valid string/,
  ],
] as const) {
  test(`rows that are none are refused in words: ${says.source}`, async () => {
    const tagged = schema([
      required('id', types.string(), ''),
      required('tags', types.array(types.string()), ''),
    ]);
    const stream = createSession().memoryStream(tagged);
    await assert.rejects(stream.addData(rows as never), { code: 'USAGE', message: says });
  });
}
