import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ContentHasher } from '../../../src/columns/hash/content-hash.ts';
import { Bench, eventText, PLAIN } from '../events.ts';

const KEY = Uint8Array.from({ length: 16 }, (_, index) => index * 3);

const bench = new Bench();
const hasher = new ContentHasher(bench.batch, KEY);

/** The hash of a good event, undefined for one with a problem. */
function hashOf(text: string): string | undefined {
  if (bench.decode(text) !== undefined) return undefined;
  hasher.hash(1);
  return hasher.words.join(' ');
}

function withMembers(members: string): string {
  return `${PLAIN.slice(0, -1)},${members}}`;
}

test('events hash alike exactly when their fields are equal', () => {
  const seen = new Map<string, string>();
  const contents = new Set<string>();
  fc.assert(
    fc.property(eventText, (text) => {
      const hash = hashOf(text);
      if (hash === undefined) return;
      const content = JSON.stringify([...bench.values()], (_, value: unknown) =>
        typeof value === 'bigint' ? `${value}n` : value,
      );
      const known = seen.get(hash);
      assert.equal(known ?? content, content, 'one hash, two contents');
      assert.equal(known === undefined, !contents.has(content), 'one content, two hashes');
      seen.set(hash, content);
      contents.add(content);
    }),
    { numRuns: 10_000 },
  );
  assert.ok(contents.size > 100, `only ${contents.size} contents`);
});

test('where in memory an event lies does not matter', () => {
  const text = Buffer.from(withMembers('"tags":["a","\\u0062"],"category":"Home"'));
  const hash = hashOf(text.toString());
  assert.ok(hash !== undefined);
  const { batch } = bench;
  for (const buffer of [new ArrayBuffer(2 * text.length), new SharedArrayBuffer(2 * text.length)]) {
    for (let from = 0; from <= 9; from += 1) {
      const chunk = new Uint8Array(buffer, from, text.length + 8);
      chunk.set(text, 3);
      batch.reset(chunk, 3);
      assert.equal(bench.decodeAt(3, 3 + text.length), undefined);
      hasher.hash(1);
      assert.equal(hasher.words.join(' '), hash, `from ${from} on`);
    }
  }
});

test('how an event is written does not matter', () => {
  const plain = hashOf(PLAIN);
  for (const text of [
    ' { "amount":2415e-2, "at":"2025-06-26T16:11:33.000+02:00","id":"\\u0061\\u0031" } ',
    withMembers('"count":null,"place":null,"unknown":{"id":2}'),
    `{"amount":7,${PLAIN.slice(1)}`,
  ]) {
    assert.equal(hashOf(text), plain, text);
  }
  assert.equal(
    hashOf(withMembers('"category":"H\\u006fme","wide":1.50')),
    hashOf(withMembers('"wide":15e-1,"category":"Home"')),
  );
  for (const [field, ...texts] of [
    ['big', '10', '10.0', '1e1', '1000e-2'],
    ['big', '9007199254740993', '9007199254740993.0', '9.007199254740993e15'],
    ['ratio', '0', '-0', '-0.0', '1e-400', '-0e9'],
    ['ratio', '0.1', '0.10', '1e-1', '0.1000000000000000055511151231257827'],
    ['day', '"2025-06-26"', '"2025-06-2\\u0036"'],
    ['tags', '["a","b"]', '[ "\\u0061" ,"b"]'],
    ['prices', '[10,null]', '[ 10.0 , null ]'],
  ] as const) {
    const hashes = texts.map((text) => hashOf(withMembers(`"${field}":${text}`)));
    assert.ok(hashes[0] !== undefined);
    assert.equal(new Set(hashes).size, 1, `${field} ${texts.join(' ')}`);
  }
});

test('what a field says matters, and which field says it', () => {
  const variants = [
    PLAIN,
    PLAIN.replace('a1', 'a2'),
    PLAIN.replace('24.15', '24.16'),
    PLAIN.replace('33Z', '33.000001Z'),
    PLAIN.replace('24.15', '90071992547409.93'),
    PLAIN.replace('24.15', '-90071992547409.93'),
    ...['0', '1', '-1'].map((count) => withMembers(`"count":${count}`)),
    ...['0', '1e33', '-1e33', '90071992547.4099'].map((wide) => withMembers(`"wide":${wide}`)),
    ...['""', '"a"', '"ab"'].map((text) => withMembers(`"category":${text}`)),
    ...['""', '"a"', '"ab"'].map((text) => withMembers(`"größe":${text}`)),
    withMembers('"category":"a","größe":"b"'),
    withMembers('"place":{"country":"a","city":"bc"}'),
    withMembers('"place":{"country":"ab","city":"c"}'),
    withMembers('"place":{"country":"abc"}'),
    withMembers('"place":{"country":"abc","city":""}'),
    ...['true', 'false'].map((value) => withMembers(`"new":${value}`)),
    ...['0', '1', '9007199254740992', '9007199254740993'].map((value) => withMembers(`"big":${value}`)),
    ...['0', '1', '0.1', '0.10000000000000002'].map((value) => withMembers(`"ratio":${value}`)),
    ...['1970-01-01', '1970-01-02'].map((value) => withMembers(`"day":"${value}"`)),
    ...['[]', '[""]', '["",""]', '["a","bc"]', '["ab","c"]', '["abc"]'].map((value) =>
      withMembers(`"tags":${value}`),
    ),
    ...['[]', '[null]', '[null,null]', '["a"]', '["a",null]', '[null,"a"]'].map((value) =>
      withMembers(`"words":${value}`),
    ),
    ...['[]', '[null]', '[0]', '[0,1e33]', '[1e33,0]'].map((value) => withMembers(`"prices":${value}`)),
  ];
  const hashes = variants.map(hashOf);
  assert.ok(!hashes.includes(undefined));
  assert.equal(new Set(hashes).size, variants.length);
});

test('does not depend on the codes that a dictionary has given before', () => {
  const text = withMembers('"category":"Home"');
  const other = new Bench();
  for (const category of ['Books', 'Sports']) other.decode(withMembers(`"category":"${category}"`));
  assert.equal(other.decode(text), undefined);
  const otherHasher = new ContentHasher(other.batch, KEY);
  otherHasher.hash(1);
  assert.equal(otherHasher.words.join(' '), hashOf(text));
});

test('another key gives other hashes', () => {
  const hash = hashOf(PLAIN);
  const otherHasher = new ContentHasher(bench.batch, new Uint8Array(16));
  otherHasher.hash(1);
  assert.notEqual(otherHasher.words.join(' '), hash);
});
