import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ACTUAL_CHARACTERS_MAX } from '../../../src/columns/decode/problem.ts';
import { excerpt, invalidUtf8At } from '../../../src/columns/decode/utf8.ts';

function decodes(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

test('finds valid what TextDecoder finds valid, for every two bytes and every lead with edges behind it', () => {
  const edges = [0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2];
  const check = (...bytes: readonly number[]): void => {
    const text = Uint8Array.from(bytes);
    if (invalidUtf8At(text, 0, text.length) < 0 !== decodes(text))
      assert.fail(Buffer.from(text).toString('hex'));
  };
  for (let a = 0; a < 256; a++) {
    for (let b = 0; b < 256; b++) check(a, b);
    if (a < 0xc0) continue;
    for (const b of edges) {
      for (const c of edges) {
        check(a, b, c);
        for (const d of [0x7f, 0x80, 0xbf, 0xc0]) check(a, b, c, d);
      }
    }
  }
});

test('names the byte from which nothing valid begins', () => {
  const at = (hex: string): number => invalidUtf8At(Buffer.from(hex, 'hex'), 0, hex.length / 2);
  assert.equal(at('61c3a4e697a5f09f9880'), -1);
  assert.equal(at('6161ff'), 2);
  assert.equal(at('61c0af'), 1, 'overlong slash');
  assert.equal(at('e08080'), 0, 'overlong NUL of three bytes');
  assert.equal(at('61eda080'), 1, 'a surrogate');
  assert.equal(at('f4908080'), 0, 'above U+10FFFF');
  assert.equal(at('6161e697'), 2, 'cut');
});

test('does not look behind its end', () => {
  assert.equal(invalidUtf8At(Buffer.from('é'), 0, 1), 0);
});

test('quotes at most so many characters, and never half of one', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.constantFrom('', '…'), (text, prefix) => {
      const bytes = new TextEncoder().encode(text);
      const quoted = [...excerpt(bytes, 0, bytes.length, prefix)];
      const whole = [...(prefix + text)];
      assert.ok(quoted.length <= ACTUAL_CHARACTERS_MAX);
      if (whole.length <= ACTUAL_CHARACTERS_MAX) assert.deepEqual(quoted, whole);
      else assert.deepEqual(quoted, [...whole.slice(0, ACTUAL_CHARACTERS_MAX - 1), '…']);
    }),
  );
});
