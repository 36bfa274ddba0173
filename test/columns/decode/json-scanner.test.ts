import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { JSON_DEPTH_MAX, JsonScanner, Token } from '../../../src/columns/decode/json-scanner.ts';
import { ObjectShape } from '../../../src/columns/decode/shape.ts';
import { invalidUtf8At } from '../../../src/columns/decode/utf8.ts';
import { anyJson, mutated, PLAIN, SCHEMA } from '../events.ts';
import { wellFormed } from '../oracle.ts';

const scanner = new JsonScanner(new ObjectShape(SCHEMA.fields, 0));

/** The token at the top, or -1; the value stands in the middle of other bytes. */
function scan(value: string | Uint8Array): number {
  const bytes = Buffer.concat([Buffer.from('[1'), Buffer.from(value as Uint8Array), Buffer.from('0"}]')]);
  return scanner.scan(bytes, 2, bytes.length - 4);
}

/** Well-formed as the decoder sees it: JSON by the scanner and UTF-8 where it has seen bytes beyond ASCII. */
function isWellFormed(bytes: Uint8Array): boolean {
  return scan(bytes) >= 0 && (!scanner.beyondAscii || invalidUtf8At(bytes, 0, bytes.length) < 0);
}

test('finds well-formed what JSON.parse finds well-formed, over mutated JSON', () => {
  fc.assert(
    fc.property(mutated(anyJson, 3), (bytes) => {
      assert.equal(isWellFormed(bytes), typeof wellFormed(bytes) === 'object');
    }),
    { numRuns: 20_000 },
  );
});

test('finds well-formed what JSON.parse does, for every text of up to three bytes that matter', () => {
  const bytes = [...Buffer.from('{}[]:,"\\0 19-.eE+tnu\n\t\0'), 0xc3, 0xa4];
  for (const a of bytes) {
    for (const b of bytes) {
      for (const c of bytes) {
        for (const text of [Uint8Array.of(a), Uint8Array.of(a, b), Uint8Array.of(a, b, c)]) {
          assert.equal(
            isWellFormed(text),
            typeof wellFormed(text) === 'object',
            Buffer.from(text).toString('hex'),
          );
        }
      }
    }
  }
});

test('no beginning of an event is an event', () => {
  const bytes = Buffer.from('{"a":[1,-2.5e+10,"ä\\u00e4\\n"],"b":{"c":null},"d":true,"id":"x"}');
  for (let length = 0; length < bytes.length; length++) {
    assert.equal(scan(bytes.subarray(0, length)), -1, `of ${length} bytes`);
    assert.equal(scanner.failedAt - 2, length);
  }
  assert.equal(scan(bytes), Token.object);
});

test('says where the JSON breaks', () => {
  for (const [text, at] of [
    ['{"a":1,}', 7],
    ['{"a" 1}', 5],
    ['[1 2]', 3],
    ['"\t"', 1],
    ['{"a":01}', 6],
    ['{} x', 3],
    ['tru', 3],
    ['', 0],
  ] as const) {
    assert.equal(scan(text), -1);
    assert.equal(scanner.failedAt - 2, at, text);
  }
});

test('takes 512 levels and no more, of arrays, of objects and of both', () => {
  const nested = (open: string, close: string, times: number): string =>
    `${open.repeat(times)}1${close.repeat(times)}`;
  assert.equal(JSON_DEPTH_MAX, 512);
  for (const [open, close, levels] of [
    ['[', ']', 1],
    ['{"a":', '}', 1],
    ['{"place":[', ']}', 2],
    ['[{"id":', '}]', 2],
  ] as const) {
    assert.ok(scan(nested(open, close, 512 / levels)) >= 0, open);
    assert.equal(scan(nested(open, close, 512 / levels + 1)), -1, open);
    assert.equal(scanner.tooDeep, true);
  }
  assert.equal(scan('['.repeat(5000)), -1);
  assert.equal(scanner.tooDeep, true);
  assert.equal(scan('['.repeat(100_000)), -1);
  assert.equal(scan(`{"a":${nested('[', ']', 511)},"id":"b"}`), Token.object);
  assert.equal(scan(PLAIN), Token.object);
  assert.equal(scanner.tooDeep, false);
});

test('notes where the fields stand, the last of equal ones', () => {
  const text =
    '{ "amount" : 1.5, "id":"\\u0041", "id" : "b", "x":{"id":3}, "place":{"country":"DE"}, "place":{"city":""} }';
  assert.equal(scan(text), Token.object);
  const found = (slot: number): string =>
    text.slice((scanner.starts[slot] as number) - 2, (scanner.ends[slot] as number) - 2);
  const names = [
    'id',
    'at',
    'amount',
    'wide',
    'count',
    'category',
    'new',
    'place',
    'place.country',
    'place.city',
  ];
  const seen = names.flatMap((name, slot) =>
    scanner.tokens[slot] === Token.absent ? [] : [`${name} ${found(slot)}`],
  );
  assert.deepEqual(seen, ['id "b"', 'amount 1.5', 'place {"city":""}', 'place.city ""']);
});
