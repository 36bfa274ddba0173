import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createDecoder } from '../../../src/columns/decode/decoder.ts';
import { ACTUAL_CHARACTERS_MAX } from '../../../src/columns/decode/problem.ts';
import { ColumnBatch } from '../../../src/columns/column-chunk.ts';
import { TimeZone } from '../../../src/columns/values/timezone.ts';
import { Bench, BYTES_MAX, eventText, mutated, PLAIN, SCHEMA, valuesOf, verdictOf } from '../events.ts';
import { judge } from '../oracle.ts';

const bench = new Bench();

/** The verdict over an event of `{"id", "at", "amount"}` and further members. */
function verdictWith(members: string): string {
  return verdictOf(bench.decode(`${PLAIN.slice(0, -1)},${members}}`));
}

function verdict(value: string | Uint8Array): string {
  return verdictOf(bench.decode(value));
}

test('verdicts and values are those of JSON.parse, regular expressions and BigInt, over odd and broken events', () => {
  let good = 0;
  const verdicts = new Set<string>();
  fc.assert(
    fc.property(fc.oneof(mutated(eventText, 0), mutated(eventText, 2)), (bytes) => {
      const expected = judge(bytes, SCHEMA, BYTES_MAX);
      const problem = bench.decode(bytes);
      if (expected.kind === 'problem') {
        const { reason, field } = expected.verdict;
        assert.equal(verdictOf(problem), field === null ? reason : `${reason} ${field}`);
        assert.deepEqual(new Set(bench.values().values()), new Set([null]), 'the row of a bad event is null');
        verdicts.add(verdictOf(problem));
      } else {
        assert.equal(problem, undefined);
        assert.deepEqual(bench.values(), expected.values);
        good++;
      }
    }),
    { numRuns: 20_000 },
  );
  // A generator that made nothing but broken events would prove little.
  assert.ok(good > 2_000, `only ${good} events without a problem`);
  assert.ok(verdicts.size > 20, `only ${[...verdicts].join(', ')}`);
});

test('fills every column of a plain event', () => {
  const text =
    '{"id":"a1","at":"2025-06-26T14:11:33.5+02:00","amount":24.15,"wide":12345678901234567890.1,"count":3,' +
    '"category":"Home","new":true,"place":{"country":"DE","city":"K\\u00f6ln"},"größe":"groß","say \\"a\\\\b\\"":1}';
  assert.equal(verdict(text), 'ok');
  assert.deepEqual(
    [...bench.values().values()],
    [
      'a1',
      BigInt(Date.UTC(2025, 5, 26, 12, 11, 33, 500)) * 1000n,
      2415n,
      123456789012345678901000n,
      3n,
      'Home',
      true,
      'DE',
      'Köln',
      'groß',
      1n,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  );
});

test('absent and null are null, in a struct and as a struct', () => {
  for (const members of ['"count":null', '"place":null', '"place":{"country":"DE","city":null},"new":null']) {
    assert.equal(verdictWith(members), 'ok');
    assert.equal(bench.value('count'), null);
    assert.equal(bench.value('new'), null);
    assert.equal(bench.value('place.city'), null);
  }
});

test('a row keeps nothing of what stood there before', () => {
  const batch = new ColumnBatch(SCHEMA, 1);
  const decoder = createDecoder(SCHEMA, { valueBytesMax: BYTES_MAX });
  const full = Buffer.from(
    `${PLAIN.slice(0, -1)},"category":"Home","wide":1e33,"new":true,"place":{"country":"DE"},"big":${2n ** 60n},"ratio":1,"day":"2025-01-01","tags":["a"],"prices":[]}`,
  );
  batch.reset(full, 1);
  assert.equal(decoder.decode(batch, 0, full.length, 0), undefined);
  const plain = Buffer.from(PLAIN);
  batch.reset(plain, 1);
  assert.equal(decoder.decode(batch, 0, plain.length, 0), undefined);
  assert.deepEqual(
    [...valuesOf(batch, 0)].filter(([, value]) => value !== null).map(([path]) => path),
    ['id', 'at', 'amount'],
  );
});

test('what is wrong with the whole comes before its parts, in one order', () => {
  const long = new Bench({ valueBytesMax: 10 });
  assert.equal(verdictOf(long.decode(Buffer.from('ff'.repeat(11), 'hex'))), 'TOO_LARGE');
  assert.equal(verdictOf(long.decode(Buffer.from('ff'.repeat(10), 'hex'))), 'INVALID_UTF8');
  assert.equal(verdictOf(bench.decodeNull()), 'EMPTY');
  assert.equal(verdict(''), 'EMPTY');
  assert.equal(verdict(' '), 'MALFORMED_JSON');
  assert.equal(
    verdict(Buffer.from('7b7b7b22ff', 'hex')),
    'INVALID_UTF8',
    'UTF-8 before JSON, also behind the break',
  );
  assert.equal(verdict('{"id":1'), 'MALFORMED_JSON', 'JSON before types');
});

test('a top level that is no object has the wrong type', () => {
  for (const text of ['null', 'true', '12', '"text"', '[]', '[{"id":"a"}]', ' [ ] ']) {
    assert.deepEqual(bench.decode(text), {
      reason: 'WRONG_TYPE',
      field: null,
      expected: 'a JSON object',
      actual: text,
    });
  }
});

test('the first problem in schema order counts, whatever the order of the bytes', () => {
  assert.equal(verdict('{"count":"x","amount":"1","at":5,"id":7}'), 'WRONG_TYPE id');
  assert.equal(
    verdict('{"count":"x","amount":1.005,"at":"2025-06-26T14:11:33Z","id":"a"}'),
    'OUT_OF_RANGE amount',
  );
  assert.equal(verdict('{"count":"x","id":"a"}'), 'MISSING_FIELD at');
  assert.equal(verdict('{}'), 'MISSING_FIELD id');
  assert.equal(verdict(PLAIN.replace('"a1"', 'null')), 'MISSING_FIELD id');
});

test('invalid UTF-8 is found wherever it hides', () => {
  for (const hex of [
    'ff',
    'c0af',
    'c1bf',
    'e08080',
    'eda080',
    'edbfbf',
    'f08080af',
    'f4908080',
    'f5808080',
    'c3',
    'e697',
    '80',
  ]) {
    const bad = Buffer.from(hex, 'hex');
    for (const [before, after] of [
      ['{"id":"', '"}'],
      ['{"x":["', '"]}'],
      ['{"', '":1}'],
      ['{', '}'],
      ['', ''],
      ['{"id":"é', ''],
    ] as const) {
      assert.equal(
        verdict(Buffer.concat([Buffer.from(before), bad, Buffer.from(after)])),
        'INVALID_UTF8',
        `${before}${hex}${after}`,
      );
    }
  }
  assert.equal(bench.decode(Buffer.from('7b22ff223a317d', 'hex'))?.actual, 'byte 0xff at position 2');
});

test('text beyond ASCII is kept as it is, a BOM in it too', () => {
  assert.equal(verdictWith('"category":"日本 😀","größe":"\uFEFFx"'), 'ok');
  assert.equal(bench.value('category'), '日本 😀');
  assert.equal(bench.value('größe'), '\uFEFFx');
});

test('a BOM before an event is no JSON', () => {
  assert.equal(verdict(`\uFEFF${PLAIN}`), 'MALFORMED_JSON');
});

test('half a surrogate pair or a NUL is out of range in a field of the schema only', () => {
  for (const bad of [
    '\\ud800',
    '\\udc00',
    'a\\ud83d',
    '\\ude00\\ud83d',
    '\\ude00\\ude00',
    '\\ud83d\\ue000',
    '\\ud83d\\uffff',
    '\\ud83d\\ud83d\\ude00',
    '\\ud83d\\\\ude00',
    '\\u0000',
    'x\\u0000y',
  ]) {
    assert.equal(verdict(PLAIN.replace('a1', bad)), 'OUT_OF_RANGE id', bad);
    assert.equal(verdictWith(`"category":"${bad}"`), 'OUT_OF_RANGE category');
    assert.equal(verdictWith(`"unknown":"${bad}","${bad}":"${bad}"`), 'ok');
    assert.equal(verdictWith(`"category":"${bad}","category":"Home"`), 'ok');
    assert.equal(verdictWith(`"count":"${bad}"`), 'WRONG_TYPE count');
  }
  assert.equal(verdictWith('"category":"\\ud83d\\ude00\\uffff"'), 'ok');
  assert.equal(bench.value('category'), '😀\uffff');
});

test('escapes are resolved, in values and in keys', () => {
  assert.equal(verdictWith('"c\\u0061tegory":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20ac"'), 'ok');
  assert.equal(bench.value('category'), '"\\/\b\f\n\r\t\u00e9\u20ac');
  assert.equal(verdictWith('"amo\\u0075nt":5,"gr\\u00f6\\u00dfe":"x"'), 'ok');
  assert.equal(bench.value('amount'), 500n);
  assert.equal(bench.value('größe'), 'x');
  assert.equal(verdictWith(`"${'\\u0061'.repeat(200)}":1`), 'ok');
});

test('keys of Object.prototype are unknown keys, and values like any other', () => {
  for (const name of [
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    '__pr\\u006fto__',
  ]) {
    assert.equal(
      verdictWith(
        `"${name}":{"id":1,"amount":"x"},"place":{"country":"${name}","${name}":null},"category":"${name}"`,
      ),
      'ok',
    );
    assert.equal(bench.value('category'), JSON.parse(`"${name}"`));
    assert.equal(bench.value('amount'), 2415n);
  }
  assert.equal(({} as { id?: number }).id, undefined);
});

test('the last of equal keys counts, good or bad, and a struct is replaced whole', () => {
  assert.equal(
    verdict('{"id":7,"at":"no","amount":"x","id":"a1","at":"2025-06-26T14:11:33Z","amount":1}'),
    'ok',
  );
  assert.equal(verdictWith('"amount":"x"'), 'WRONG_TYPE amount');
  assert.equal(verdictWith('"amount":null'), 'MISSING_FIELD amount');
  assert.equal(verdictWith('"place":{"country":"DE","city":"Berlin"},"place":{"country":"FR"}'), 'ok');
  assert.equal(bench.value('place.country'), 'FR');
  assert.equal(bench.value('place.city'), null);
  assert.equal(verdictWith('"place":{"country":"DE"},"place":{}'), 'MISSING_FIELD place.country');
  assert.equal(verdictWith('"place":{"country":"DE"},"place":null'), 'ok');
  assert.equal(bench.value('place.country'), null);
  assert.equal(verdictWith('"place":5,"place":{"country":"DE"}'), 'ok');
  assert.equal(verdictWith('"place":{"country":1},"place":[]'), 'WRONG_TYPE place');
});

test('a struct that is no object has the wrong type, and what is required in it is required where it is', () => {
  for (const bad of ['"DE"', '[]', '1', 'true'])
    assert.equal(verdictWith(`"place":${bad}`), 'WRONG_TYPE place');
  assert.equal(verdictWith('"place":{"city":"Berlin"}'), 'MISSING_FIELD place.country');
  assert.equal(verdictWith('"place":{"country":3}'), 'WRONG_TYPE place.country');
});

test('unknown fields are ignored whatever they hold, and are JSON all the same', () => {
  assert.equal(verdictWith('"x":[{"id":1},[[]],"\\u0000",1e400,-0.0,{"amount":{}}],"":null'), 'ok');
  for (const bad of [
    'NaN',
    'Infinity',
    '-Infinity',
    'undefined',
    "'a'",
    '01',
    '1.',
    '.5',
    '+1',
    '0x1',
    '"\t"',
    '[1,]',
    '{"a":1,}',
    '"\\x"',
    '//',
    'nul',
  ]) {
    assert.equal(verdictWith(`"x":${bad}`), 'MALFORMED_JSON', bad);
  }
});

test('a key is only a key where its JSON is, whatever its name', () => {
  assert.equal(verdictWith('"größe":null,"say \\"a\\\\b\\"":5'), 'ok');
  assert.equal(bench.value('say "a\\b"'), 5n);
  assert.equal(verdictWith('"größe":null,"say "a\\b"":5'), 'MALFORMED_JSON');
});

test('numbers are exact, or out of range, or no numbers', () => {
  const amounts: readonly (readonly [string, string, bigint | null])[] = [
    ['-0', 'ok', 0n],
    ['0e99999999999', 'ok', 0n],
    ['1e400', 'OUT_OF_RANGE amount', null],
    ['1e999999999', 'OUT_OF_RANGE amount', null],
    ['1.005', 'OUT_OF_RANGE amount', null],
    ['1.0050e0', 'OUT_OF_RANGE amount', null],
    ['1.00500e3', 'ok', 100500n],
    ['9007199254740993', 'ok', 900719925474099300n],
    ['9999999999999999.99', 'ok', 999999999999999999n],
    ['10000000000000000', 'OUT_OF_RANGE amount', null],
    ['"24.15"', 'WRONG_TYPE amount', null],
    ['NaN', 'MALFORMED_JSON', null],
  ];
  for (const [text, expected, value] of amounts) {
    assert.equal(verdict(PLAIN.replace('24.15', text)), expected, text);
    assert.equal(bench.value('amount'), value, text);
  }
  const counts: readonly (readonly [string, string])[] = [
    ['2147483647', 'ok'],
    ['-2147483648', 'ok'],
    ['2147483648', 'OUT_OF_RANGE count'],
    ['-2147483649', 'OUT_OF_RANGE count'],
    ['1.0', 'ok'],
    ['1e2', 'ok'],
    ['1.5', 'OUT_OF_RANGE count'],
    ['4294967296', 'OUT_OF_RANGE count'],
    ['9007199254740993', 'OUT_OF_RANGE count'],
    ['"1"', 'WRONG_TYPE count'],
    ['true', 'WRONG_TYPE count'],
  ];
  for (const [text, expected] of counts) assert.equal(verdictWith(`"count":${text}`), expected, text);
});

test('timestamps are RFC 3339 with a zone and a real date', () => {
  const at = (text: string): string => verdict(PLAIN.replace('2025-06-26T14:11:33Z', text));
  assert.equal(at('2026-02-30T00:00:00Z'), 'OUT_OF_RANGE at');
  assert.equal(at('2016-12-31T23:59:60Z'), 'OUT_OF_RANGE at');
  assert.equal(at('1699-01-01T00:00:00Z'), 'OUT_OF_RANGE at');
  assert.equal(at('2025-06-26T14:11:33'), 'WRONG_TYPE at');
  assert.equal(at('2025-06-26'), 'WRONG_TYPE at');
  assert.equal(at('\\ud800'), 'WRONG_TYPE at');
  assert.equal(verdict(PLAIN.replace('"2025-06-26T14:11:33Z"', '1750947093')), 'WRONG_TYPE at');
  assert.equal(at('2025\\u002d06-26T14:11:33Z'), 'ok');
});

test('longs are exact beyond 2^53, and whole, and of 64 bits', () => {
  const longs: readonly (readonly [string, bigint | string])[] = [
    ['9007199254740993', 9007199254740993n],
    ['-9007199254740993.000', -9007199254740993n],
    ['9223372036854775807', 2n ** 63n - 1n],
    ['-9223372036854775808', -(2n ** 63n)],
    ['9.223372036854775807e18', 2n ** 63n - 1n],
    ['-0', 0n],
    ['9223372036854775808', 'OUT_OF_RANGE big'],
    ['-9223372036854775809', 'OUT_OF_RANGE big'],
    ['9999999999999999999', 'OUT_OF_RANGE big'],
    ['1e19', 'OUT_OF_RANGE big'],
    ['1e400', 'OUT_OF_RANGE big'],
    ['0.5', 'OUT_OF_RANGE big'],
    ['"1"', 'WRONG_TYPE big'],
    ['true', 'WRONG_TYPE big'],
    ['[1]', 'WRONG_TYPE big'],
  ];
  for (const [text, expected] of longs) {
    const found = verdictWith(`"big":${text}`);
    assert.equal(found === 'ok' ? bench.value('big') : found, expected, text);
  }
});

test('doubles are those of JSON.parse, and finite', () => {
  const doubles: readonly (readonly [string, number | string])[] = [
    ['0.1', 0.1],
    ['-0', 0],
    ['-0.0e5', 0],
    ['1e-400', 0],
    ['-1e-400', 0],
    ['9007199254740993', 9007199254740992],
    ['1.7976931348623157e308', Number.MAX_VALUE],
    ['5e-324', 5e-324],
    ['1.7976931348623159e308', 'OUT_OF_RANGE ratio'],
    ['-1e309', 'OUT_OF_RANGE ratio'],
    ['"1.5"', 'WRONG_TYPE ratio'],
    ['"NaN"', 'WRONG_TYPE ratio'],
    ['false', 'WRONG_TYPE ratio'],
    ['NaN', 'MALFORMED_JSON'],
  ];
  for (const [text, expected] of doubles) {
    const found = verdictWith(`"ratio":${text}`);
    assert.equal(found === 'ok' ? bench.value('ratio') : found, expected, text);
  }
});

test('dates are texts of one form', () => {
  const dates: readonly (readonly [string, bigint | string])[] = [
    ['"2024-02-29"', 19_782n],
    ['"2024-02-2\\u0039"', 19_782n],
    ['"0001-01-01"', -719_162n],
    ['"2025-02-29"', 'OUT_OF_RANGE day'],
    ['"0000-12-31"', 'OUT_OF_RANGE day'],
    ['"2025-02-28T00:00:00Z"', 'WRONG_TYPE day'],
    ['"2025-2-28"', 'WRONG_TYPE day'],
    ['"\\ud8002025-2"', 'WRONG_TYPE day'],
    ['""', 'WRONG_TYPE day'],
    ['19782', 'WRONG_TYPE day'],
  ];
  for (const [text, expected] of dates) {
    const found = verdictWith(`"day":${text}`);
    assert.equal(found === 'ok' ? bench.value('day') : found, expected, text);
  }
});

test('the first bad element of an array is named by its place', () => {
  const arrays: readonly (readonly [string, unknown])[] = [
    ['"tags":[]', []],
    ['"tags":null', null],
    ['"tags":[ "a" , "\\u0062]" ,"" ]', ['a', 'b]', '']],
    ['"tags":["a","b","c",4,5]', 'WRONG_TYPE tags[3]'],
    ['"tags":["a",null]', 'MISSING_FIELD tags[1]'],
    ['"tags":["a",["b"]]', 'WRONG_TYPE tags[1]'],
    ['"tags":[{"a":"]"},"\\u0000"]', 'WRONG_TYPE tags[0]'],
    ['"tags":["a","\\ud800"]', 'OUT_OF_RANGE tags[1]'],
    ['"tags":"a"', 'WRONG_TYPE tags'],
    ['"tags":{"0":"a"}', 'WRONG_TYPE tags'],
    ['"tags":["a"', 'MALFORMED_JSON'],
    ['"tags":["a",]', 'MALFORMED_JSON'],
    ['"tags":[1],"tags":["a"]', ['a']],
    ['"tags":["a"],"tags":[1]', 'WRONG_TYPE tags[0]'],
  ];
  for (const [members, expected] of arrays) {
    const found = verdictWith(members);
    assert.deepEqual(found === 'ok' ? bench.value('tags') : found, expected, members);
  }
  assert.equal(verdictWith('"prices":[1.5,null,1e33]'), 'ok');
  assert.deepEqual(bench.value('prices'), [15_000n, null, 10n ** 37n]);
  assert.equal(verdictWith('"prices":[1.5,null,1e34]'), 'OUT_OF_RANGE prices[2]');
  assert.equal(verdictWith('"words":["Home",null,"Home"]'), 'ok');
  assert.deepEqual(bench.value('words'), ['Home', null, 'Home']);
  assert.equal(verdictWith('"moments":["2025-06-26T14:11:33"]'), 'WRONG_TYPE moments[0]');
});

test('a problem of a new type says what would have been right', () => {
  const problemWith = (members: string) => bench.decode(`${PLAIN.slice(0, -1)},${members}}`);
  const problems: readonly (readonly [string, string, string])[] = [
    ['"big":1e19', 'from -9223372036854775808 to 9223372036854775807', '1e19'],
    ['"big":1.5', 'a whole number', '1.5'],
    ['"big":"1"', 'a whole number', '"1"'],
    ['"ratio":1e309', 'a number below 1.8e308, the largest double', '1e309'],
    ['"ratio":"1"', 'a number', '"1"'],
    ['"day":"2025-02-30"', 'a real date of the years 1 to 9999', '"2025-02-30"'],
    ['"day":"today"', 'a date (YYYY-MM-DD)', '"today"'],
    ['"tags":"a"', 'an array', '"a"'],
    ['"tags":["a",null]', 'a string', 'null'],
    ['"tags":["a", [ "b" ]]', 'a string', '[ "b" ]'],
    ['"prices":[1.00005]', 'at most 4 decimals', '1.00005'],
  ];
  for (const [members, expected, actual] of problems) {
    const problem = problemWith(members);
    assert.equal(problem?.expected, expected, members);
    assert.equal(problem.actual, actual, members);
  }
});

test('with an assumed zone a local time is an instant, unless clocks skipped it', () => {
  const berlin = new Bench({ assumeTimeZone: TimeZone.of('Europe/Berlin') });
  const at = (text: string): string => verdictOf(berlin.decode(PLAIN.replace('2025-06-26T14:11:33Z', text)));
  assert.equal(at('2025-10-26T02:30:00'), 'ok');
  assert.equal(berlin.value('at'), BigInt(Date.UTC(2025, 9, 26, 0, 30)) * 1000n);
  assert.equal(at('2025-03-30T02:30:00'), 'OUT_OF_RANGE at');
  assert.equal(at('2025-06-26T14:11:33Z'), 'ok');
  assert.equal(at('2025-06-26'), 'WRONG_TYPE at');
});

test('depth and size are bounded, and what they refuse costs little', () => {
  assert.equal(verdictWith(`"x":${'['.repeat(511)}${']'.repeat(511)}`), 'ok');
  assert.equal(verdictWith(`"x":${'['.repeat(512)}${']'.repeat(512)}`), 'MALFORMED_JSON');
  assert.match(
    bench.decode(`{"x":${'['.repeat(5000)}${']'.repeat(5000)}}`)?.expected ?? '',
    /nested at most 512 deep/,
  );
  assert.equal(verdict(Buffer.alloc(10 << 20, 0x20)), 'TOO_LARGE');
  assert.equal(verdictWith(`"x":"${'a'.repeat(1_000_000)}"`), 'ok');
  assert.equal(verdict('['.repeat(1 << 20)), 'MALFORMED_JSON');
});

test('no beginning of an event is an event', () => {
  const bytes = Buffer.from(`${PLAIN.slice(0, -1)},"größe":"\\u00e4ä","place":{"country":"DE"},"x":[1.5e3]}`);
  for (let length = 1; length < bytes.length; length++) {
    const expected = bytes.subarray(0, length).toString().includes('\uFFFD')
      ? 'INVALID_UTF8'
      : 'MALFORMED_JSON';
    assert.equal(verdict(bytes.subarray(0, length)), expected, `of ${length} bytes`);
  }
  assert.equal(verdict(bytes), 'ok');
});

test('a problem says what was expected and quotes what stood there, shortened', () => {
  assert.deepEqual(bench.decode(PLAIN.replace('24.15', '"2\\u0034"')), {
    reason: 'WRONG_TYPE',
    field: 'amount',
    expected: 'a number',
    actual: '"2\\u0034"',
  });
  assert.deepEqual(bench.decode(PLAIN.replace('24.15', '1.005')), {
    reason: 'OUT_OF_RANGE',
    field: 'amount',
    expected: 'at most 2 decimals',
    actual: '1.005',
  });
  assert.deepEqual(bench.decode('{"id":null}'), {
    reason: 'MISSING_FIELD',
    field: 'id',
    expected: 'a string',
    actual: 'null',
  });
  assert.deepEqual(bench.decode('{"id":"é",}'), {
    reason: 'MALFORMED_JSON',
    field: null,
    expected: 'well-formed JSON (it breaks at byte 11)',
    actual: '{"id":"é",}',
  });
  const problem = bench.decode(`{"id":["${'😀'.repeat(1000)}"]}`);
  assert.equal([...(problem?.actual ?? '')].length, ACTUAL_CHARACTERS_MAX);
  const broken = bench.decode(`{"id":"${'é'.repeat(1000)}\t${'é'.repeat(1000)}"}`);
  assert.match(broken?.actual ?? '', /^…é+\té+…$/);
});
