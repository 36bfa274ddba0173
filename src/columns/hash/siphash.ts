/**
 * SipHash-2-4, a keyed hash by Jean-Philippe Aumasson and Daniel J. Bernstein ("SipHash: a fast short-input PRF", 2012, and
 * its reference implementation): no one without the key can make two inputs collide. It runs in WebAssembly, whose 64-bit
 * arithmetic JavaScript lacks. One call takes in one column of many rows: each row has its own state, so the processor
 * works on a row's rounds while those of the row before are still on their way.
 */
import { SIPHASH_WASM } from './siphash-wasm.ts';
import { compileWasm, WASM_PAGE_BYTES, type WasmMemory } from './wasm-memory.ts';

/** A row's state, v0 to v3. */
export const STATE_BYTES = 32;
/** The kernel reads whole words, so up to seven bytes after a text. */
export const SLACK_BYTES = 8;
const HASH_WORDS = 4;

/** All parameters are whole numbers: addresses, strides in bytes, and numbers of rows. */
export interface SipFunctions {
  /** Takes 64 bits a row in: `(values, states, stride, rows)`; a stride of 0 takes all rows into one state. */
  words(values: number, states: number, stride: number, rows: number): void;
  /** Takes a double a row in, likewise; NaN is null. */
  numbers(values: number, states: number, stride: number, rows: number): void;
  /**
   * Takes a text a row in, its length and its bytes in words of eight, the last one filled up with zeros. Text positions
   * below `split` are moved by `below` to get their address, the others by `above`; a start below 0 is null.
   */
  texts(
    starts: number,
    ends: number,
    states: number,
    stride: number,
    rows: number,
    split: number,
    below: number,
    above: number,
  ): void;
  /** Ends rows into 64 bits of hash each. */
  finish(states: number, hashes: number, rows: number): void;
  /** SipHash-2-4-128 of one text a row, into 16 bytes each; a null gives that of the empty text. */
  texts128(
    starts: number,
    ends: number,
    states: number,
    hashes: number,
    rows: number,
    split: number,
    below: number,
    above: number,
  ): void;
}

let instantiate: ReturnType<typeof compileWasm> | undefined;

/** A kernel and its memory, where the caller puts the states, a column's values and the bytes of texts. */
export interface SipKernel {
  readonly memory: WasmMemory;
  readonly functions: SipFunctions;
}

/** A kernel over its own memory, of this many pages. The code is compiled once in a process. */
export function createSipKernel(pages: number): SipKernel {
  instantiate ??= compileWasm(Buffer.from(SIPHASH_WASM, 'base64'));
  const { memory, functions } = instantiate(pages);
  return { memory, functions: functions as SipFunctions };
}

/**
 * v0 to v3 before any input, low half before high half, for this many bits of output.
 * @throws RangeError if `key` is not 16 bytes.
 */
export function initialState(key: Uint8Array, bits: 64 | 128): Int32Array {
  if (key.length !== 16) throw new RangeError(`a SipHash key has 16 bytes, not ${key.length}`);
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  const [k0Low, k0High, k1Low, k1High] = [0, 4, 8, 12].map((at) => view.getInt32(at, true)) as [
    number,
    number,
    number,
    number,
  ];
  return Int32Array.of(
    k0Low ^ 0x7073_6575,
    k0High ^ 0x736f_6d65,
    k1Low ^ 0x6e64_6f6d ^ (bits === 128 ? 0xee : 0),
    k1High ^ 0x646f_7261,
    k0Low ^ 0x6e65_7261,
    k0High ^ 0x6c79_6765,
    k1Low ^ 0x7974_6573,
    k1High ^ 0x7465_6462,
  );
}

/** Addresses in the memory that all hashers of single texts share: position, state, hash, and the text. */
const START_AT = 0;
const END_AT = 4;
const STATE_AT = 8;
const HASH_AT = STATE_AT + STATE_BYTES;
const TEXT_AT = HASH_AT + HASH_WORDS * 4;

let single: SipKernel | undefined;

/** SipHash-2-4 with 128 bits of output (`siphash.c` with `outlen` 16) of one text at a time. */
export class SipHash128 {
  /** The hash of the text hashed last: four words, the first one holding its first four bytes, little-endian. */
  readonly words = new Int32Array(HASH_WORDS);
  private readonly initial: Int32Array;

  /** @throws RangeError if `key` is not 16 bytes */
  constructor(key: Uint8Array) {
    this.initial = initialState(key, 128);
  }

  /** Hashes `bytes[start, end)` into {@link words}. */
  hash(bytes: Uint8Array, start = 0, end = bytes.length): void {
    single ??= createSipKernel(1);
    const { memory, functions } = single;
    const length = end - start;
    const missing = Math.ceil((TEXT_AT + length + SLACK_BYTES - memory.buffer.byteLength) / WASM_PAGE_BYTES);
    if (missing > 0) memory.grow(missing);
    const words = new Int32Array(memory.buffer, 0, TEXT_AT / 4);
    words[START_AT / 4] = 0;
    words[END_AT / 4] = length;
    words.set(this.initial, STATE_AT / 4);
    new Uint8Array(memory.buffer, TEXT_AT, length).set(bytes.subarray(start, end));
    // One text at position 0, which is at TEXT_AT.
    functions.texts128(START_AT, END_AT, STATE_AT, HASH_AT, 1, length + 1, TEXT_AT, TEXT_AT);
    this.words.set(words.subarray(HASH_AT / 4));
  }
}
