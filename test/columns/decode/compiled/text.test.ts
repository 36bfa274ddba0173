import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { codeOf, recentTexts } from '../../../../src/columns/decode/compiled/text.ts';
import { Dictionary } from '../../../../src/columns/dictionary.ts';

/** Few letters and every length up to 20, so that texts share words, places and both. */
const text = fc
  .tuple(fc.nat(20), fc.array(fc.constantFrom('a', 'b', 'é'), { minLength: 20, maxLength: 20 }))
  .map(([length, letters]) => letters.slice(0, length).join(''));

/** Most texts come again. */
const values = fc
  .array(text, { minLength: 1, maxLength: 12 })
  .chain((few) => fc.array(fc.option(fc.constantFrom(...few), { freq: 20 }), { maxLength: 200 }));

test('a text has the code that the dictionary gives it, also after the dictionary was emptied', () => {
  fc.assert(
    fc.property(values, (texts) => {
      const dictionary = new Dictionary();
      const recent = recentTexts();
      for (const value of texts) {
        // No text here stands for emptying it. Another text is the first one then, and has the code 0.
        if (value === null) {
          dictionary.clear();
          dictionary.encode(Uint8Array.of(0x7a), 0, 1);
          continue;
        }
        const bytes = new TextEncoder().encode(`"${value}",`);
        const code = codeOf(dictionary, recent, bytes, new DataView(bytes.buffer), 1, bytes.length - 2);
        assert.ok(code < dictionary.size);
        assert.equal(dictionary.text(code), value);
        assert.equal(dictionary.encode(bytes, 1, bytes.length - 2), code);
      }
    }),
  );
});

test('texts that differ in one byte, wherever it stands, have two codes', () => {
  for (let length = 1; length <= 20; length += 1) {
    const dictionary = new Dictionary();
    const recent = recentTexts();
    const codeIn = (bytes: Uint8Array): number =>
      codeOf(dictionary, recent, bytes, new DataView(bytes.buffer), 1, bytes.length - 1);
    const plain = new TextEncoder().encode(`"${'a'.repeat(length)}"`);
    for (let changed = 1; changed <= length; changed += 1) {
      const other = plain.with(changed, 0x62);
      assert.equal(codeIn(plain), 0);
      assert.equal(codeIn(other), changed, `${length} bytes, another one at ${changed}`);
    }
  }
});
