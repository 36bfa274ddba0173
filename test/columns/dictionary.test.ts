import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Dictionary } from '../../src/columns/dictionary.ts';

function encode(dictionary: Dictionary, text: string): number {
  const bytes = new TextEncoder().encode(`<${text}>`);
  return dictionary.encode(bytes, 1, bytes.length - 1);
}

test('gives equal bytes one code and other bytes another', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 12 }),
    fc.constantFrom('', 'a', 'aa', 'constructor'),
  );
  fc.assert(
    fc.property(fc.array(text, { maxLength: 300 }), (values) => {
      const dictionary = new Dictionary();
      const codes = new Map<string, number>();
      for (const value of values) {
        const known = codes.get(value);
        const code = encode(dictionary, value);
        assert.equal(code, known ?? codes.size);
        codes.set(value, code);
      }
      assert.equal(dictionary.size, codes.size);
      for (const [value, code] of codes) {
        assert.equal(dictionary.text(code), value);
        const bytes = dictionary.bytes.subarray(dictionary.startOf(code), dictionary.endOf(code));
        assert.deepEqual(Buffer.from(bytes), Buffer.from(value));
      }
    }),
  );
});

test('values with the names of prototype members are like any other', () => {
  const dictionary = new Dictionary();
  const names = ['__proto__', 'constructor', 'hasOwnProperty', 'toString', 'valueOf', ''];
  for (const [index, name] of names.entries()) assert.equal(encode(dictionary, name), index);
  for (const [index, name] of names.entries()) assert.equal(encode(dictionary, name), index);
  assert.deepEqual(
    names.map((_, index) => dictionary.text(index)),
    names,
  );
});

test('a text is the same string object each time, and a BOM in it is kept', () => {
  const dictionary = new Dictionary();
  const code = encode(dictionary, '\uFEFFHome');
  assert.equal(dictionary.text(code), '\uFEFFHome');
  assert.throws(() => dictionary.text(1), /no code 1/);
  assert.throws(() => dictionary.text(-1), /no code -1/);
});

test('stays fast and right with very many values', () => {
  const dictionary = new Dictionary({ low: 1, high: 2 });
  const count = 200_000;
  for (let index = 0; index < count; index++) assert.equal(encode(dictionary, `value ${index}`), index);
  for (let index = 0; index < count; index += 997) assert.equal(encode(dictionary, `value ${index}`), index);
  assert.equal(dictionary.size, count);
  assert.ok(dictionary.bytesUsed > count * 7);
});

test('forgets everything on clear', () => {
  const dictionary = new Dictionary();
  encode(dictionary, 'a');
  encode(dictionary, 'b');
  dictionary.clear();
  assert.equal(dictionary.size, 0);
  assert.equal(dictionary.bytesUsed, 0);
  assert.equal(encode(dictionary, 'b'), 0);
  assert.equal(dictionary.text(0), 'b');
});

test('after clear no value has the code that it had before', () => {
  const dictionary = new Dictionary();
  for (const value of ['a', 'b', 'cc', '']) encode(dictionary, value);
  dictionary.clear();
  assert.equal(dictionary.generation, 1);
  for (const [code, value] of ['', 'cc', 'b', 'a'].entries()) assert.equal(encode(dictionary, value), code);
});
