import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { escapeForTerminal, escapeJsonLineForTerminal } from '../../../src/columns/format/escape.ts';

/** Written out a second time, by code point, so that the test does not repeat the code's own expression. */
function acts(codePoint: number): boolean {
  return (
    codePoint < 0x20 ||
    (codePoint >= 0x7f && codePoint <= 0x9f) ||
    codePoint === 0xad ||
    codePoint === 0x61c ||
    (codePoint >= 0x200b && codePoint <= 0x200f) ||
    (codePoint >= 0x2028 && codePoint <= 0x202e) ||
    (codePoint >= 0x2060 && codePoint <= 0x206f) ||
    codePoint === 0xfeff ||
    (codePoint >= 0xfff9 && codePoint <= 0xfffb) ||
    codePoint === 0xe0001 ||
    (codePoint >= 0xe0020 && codePoint <= 0xe007f) ||
    (codePoint >= 0xd800 && codePoint <= 0xdfff)
  );
}

const hostileText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\u001b[2J',
        '\u009b31m',
        '\r',
        '\n',
        '\t',
        '\b',
        '\u007f',
        '\u202e',
        '\u2066',
        '\u200b',
        '\u2028',
        '\ufeff',
      ),
      fc.constantFrom(
        '\\',
        '\\u{',
        '\\u{1b}',
        '{',
        '}',
        'u',
        '\ud800',
        '\udc00',
        '\u{e0041}',
        'é',
        '日本',
        '👩‍👧',
      ),
      fc.string({ unit: 'binary' }),
      fc.string(),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));

function unescape(text: string): string {
  return text.replace(/\\u\{([0-9a-f]+)\}/g, (_, hex: string) =>
    String.fromCodePoint(Number.parseInt(hex, 16)),
  );
}

test('no text that is shown holds a character that acts or cannot be seen', () => {
  fc.assert(
    fc.property(hostileText, (text) => {
      for (const character of escapeForTerminal(text))
        assert.ok(!acts(character.codePointAt(0)!), JSON.stringify(text));
    }),
    { numRuns: 2000 },
  );
});

test('every code point that acts is escaped, one by one', () => {
  for (let codePoint = 0; codePoint <= 0x10ffff; codePoint++) {
    if (!acts(codePoint)) continue;
    const shown = escapeForTerminal(`a${String.fromCodePoint(codePoint)}b`);
    assert.equal(shown, `a\\u{${codePoint.toString(16)}}b`);
  }
});

test('what is shown can be turned back into the one text it came from', () => {
  fc.assert(
    fc.property(hostileText, (text) => assert.equal(unescape(escapeForTerminal(text)), text)),
    { numRuns: 2000 },
  );
});

test('ordinary text stays as it is, a Windows path and an emoji included', () => {
  for (const text of [
    '',
    'Home',
    'C:\\users\\shop',
    'Zoë Müller',
    '日本語',
    '🛒 basket',
    '5,676.65',
    'a\\nb',
  ]) {
    assert.equal(escapeForTerminal(text), text);
  }
});

test('an event cannot pretend to have been escaped', () => {
  assert.equal(escapeForTerminal('\u001b[31m'), '\\u{1b}[31m');
  assert.equal(escapeForTerminal('\\u{1b}[31m'), '\\u{5c}u{1b}[31m');
});

test('a JSON line keeps its value and loses every character that acts', () => {
  fc.assert(
    fc.property(hostileText, (text) => {
      const line = escapeJsonLineForTerminal(JSON.stringify({ text, [text]: 1 }));
      for (const character of line) assert.ok(!acts(character.codePointAt(0)!), JSON.stringify(text));
      assert.equal((JSON.parse(line) as { text: string }).text, text);
    }),
    { numRuns: 2000 },
  );
});
