/** Whether bytes are UTF-8, and how to quote a little of them. */
import { ACTUAL_CHARACTERS_MAX } from './problem.ts';

const TEXT_DECODER = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * The position of the first byte in `[start, end)` that is not part of well-formed UTF-8 (table 3-7 of the Unicode
 * standard: no overlong forms, no surrogates, nothing above U+10FFFF), or -1 where all is well-formed.
 */
export function invalidUtf8At(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end) {
    const lead = bytes[at] as number;
    if (lead < 0x80) {
      at++;
      continue;
    }
    const length = utf8SequenceLength(bytes, at, end, lead);
    if (length === 0) return at;
    at += length;
  }
  return -1;
}

/** The length of the sequence of two to four bytes that `lead` opens at `at`, or 0 if it is ill-formed. */
export function utf8SequenceLength(bytes: Uint8Array, at: number, end: number, lead: number): number {
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (at + length > end) return 0;
  // Four leads narrow the second byte: they are where overlong forms, surrogates and too large values would lie.
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  const second = bytes[at + 1] as number;
  if (second < lowest || second > highest) return 0;
  for (let next = at + 2; next < at + length; next++) if (((bytes[next] as number) & 0xc0) !== 0x80) return 0;
  return length;
}

/** The text of valid UTF-8 in `[start, end)`, shortened with its `prefix` to what a problem may quote. */
export function excerpt(bytes: Uint8Array, start: number, end: number, prefix = ''): string {
  // No code point has more than four bytes, so this is enough whatever they are; a cut one at its end is dropped.
  const text =
    prefix + TEXT_DECODER.decode(bytes.subarray(start, Math.min(end, start + ACTUAL_CHARACTERS_MAX * 4 + 4)));
  if (text.length <= ACTUAL_CHARACTERS_MAX) return text;
  const characters = Array.from(text);
  if (characters.length <= ACTUAL_CHARACTERS_MAX) return text;
  return `${characters.slice(0, ACTUAL_CHARACTERS_MAX - 1).join('')}…`;
}
