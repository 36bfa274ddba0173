import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leavesOf, optional, required, schema, types } from '../../../src/columns/schema/schema.ts';

test('a schema is frozen, and does not share what its caller can still change', () => {
  const fields = [required('a', types.struct([optional('b', types.int(), '')]), '')];
  const frozen = schema(fields);
  fields.pop();
  assert.equal(frozen.fields.length, 1);
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    assert.ok(Object.isFrozen(value), JSON.stringify(value));
    for (const member of Object.values(value)) visit(member);
  };
  visit(frozen);
  for (const make of [
    types.string,
    types.boolean,
    types.int,
    types.long,
    types.double,
    types.timestamp,
    types.date,
  ])
    visit(make());
  visit(types.decimal(5, 2));
  visit(types.array(types.int()));
});

test('a name that no path could hold is refused', () => {
  for (const name of ['', 'a.b', '.', '\ud800'])
    for (const make of [required, optional])
      assert.throws(() => make(name, types.int(), ''), {
        name: 'RangeError',
        message: /cannot name a field/,
      });
  for (const name of ['a b', '`', '__proto__', '1', 'größe', '[]']) required(name, types.int(), '');
});

test('two fields of one object cannot share a name, and of two objects they can', () => {
  const twice = [required('a', types.int(), ''), optional('a', types.string(), '')];
  assert.throws(() => schema(twice), { name: 'RangeError', message: 'two fields are named "a"' });
  assert.throws(() => types.struct(twice), { name: 'RangeError', message: 'two fields are named "a"' });
  schema([required('a', types.struct([required('a', types.int(), '')]), '')]);
});

test('a decimal has a precision of 1 to 38 and a scale up to it', () => {
  for (const [precision, scale] of [
    [1, 0],
    [1, 1],
    [38, 38],
    [38, 0],
  ] as const)
    types.decimal(precision, scale);
  for (const [precision, scale] of [
    [0, 0],
    [39, 0],
    [5, 6],
    [5, -1],
    [2.5, 0],
    [5, 0.5],
    [NaN, 0],
    [5, NaN],
  ] as const)
    assert.throws(() => types.decimal(precision, scale), {
      name: 'RangeError',
      message: /the precision is 1 to 38/,
    });
});

test('a leaf is required where its field and every struct around it are', () => {
  const inner = [required('must', types.int(), ''), optional('may', types.int(), '')];
  const leaves = leavesOf(
    schema([
      required('a', types.struct(inner), ''),
      optional('b', types.struct([...inner, required('deep', types.struct(inner), '')]), ''),
      required('c', types.array(types.int(), { containsNull: true }), ''),
    ]),
  );
  assert.deepEqual(
    leaves.map(({ path, required: isRequired }) => [path, isRequired]),
    [
      ['a.must', true],
      ['a.may', false],
      ['b.must', false],
      ['b.may', false],
      ['b.deep.must', false],
      ['b.deep.may', false],
      ['c', true],
    ],
  );
});

test('what is no type, no list of fields, or no element of an array is refused in words', () => {
  const item = types.struct([required('sku', types.string(), '')]);
  const refused: readonly (readonly [act: () => unknown, message: RegExp])[] = [
    [
      () => types.array(item as never),
      /an element is a struct, but an array holds only single values\..*one event per element/,
    ],
    [
      () => types.array(types.array(types.int()) as never),
      /an element is an array, but an array holds only single values/,
    ],
    [
      () => types.array(undefined as never),
      /types\.array: undefined is not a type\. Call one of types\.string\(…\)/,
    ],
    [() => required('id', 'string' as never, ''), /id: "string" is not a type/],
    [() => optional('id', { kind: 'toString' } as never, ''), /id: \{"kind":"toString"\} is not a type/],
    [() => schema({ id: types.string() } as never), /take an array of fields/],
    [() => types.struct({ id: types.string() } as never), /take an array of fields/],
  ];
  for (const [act, message] of refused) assert.throws(act, { code: 'USAGE', message });
});
