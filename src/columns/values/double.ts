/** JSON numbers as IEEE 754 doubles: the same double that `JSON.parse` makes of the text, -0 as 0. */

/** Whole numbers of this many digits are exact in a double, with room to spare. */
const EXACT_DIGITS = 15;

/** 10^0 to 10^15, all exact in doubles. */
const POWERS_OF_TEN = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

const MINUS = 0x2d;
const ZERO = 0x30;

const TEXT_DECODER = new TextDecoder();

/**
 * Reads the JSON number in `bytes[start, end)`, whose grammar is already proved; ±Infinity if it is too large for a
 * double. A short one without an exponent is a whole number over a power of ten, both exact, so that the one division
 * rounds as the standard asks (the fast path of William D. Clinger, "How to Read Floating Point Numbers Accurately",
 * 1990), and nothing is allocated; the rest is left to the runtime.
 */
export function parseDouble(bytes: Uint8Array, start: number, end: number): number {
  const negative = bytes[start] === MINUS;
  const first = negative ? start + 1 : start;
  if (end - first > EXACT_DIGITS) return parseLong(bytes, start, end);
  let whole = 0;
  let point = end - 1;
  for (let at = first; at < end; at++) {
    const code = bytes[at] as number;
    if (code >= ZERO) {
      if (code > ZERO + 9) return parseLong(bytes, start, end);
      whole = whole * 10 + (code - ZERO);
    } else point = at;
  }
  const value = whole / (POWERS_OF_TEN[end - 1 - point] as number);
  return negative ? 0 - value : value;
}

/** Adding 0 makes 0 of -0 and changes nothing else. */
function parseLong(bytes: Uint8Array, start: number, end: number): number {
  return Number(TEXT_DECODER.decode(bytes.subarray(start, end))) + 0;
}
