/**
 * Text values that repeat are kept once, and rows hold their codes. Values are compared as bytes through a hash table
 * with open addressing, so a value that is known costs no string and no allocation, and values named `__proto__` or
 * `constructor` are like any other.
 */
import { InvariantError } from '../errors.ts';
import { halfSipHash } from './hash/halfsiphash.ts';

/**
 * Two words of secret for the hash. Who knows them can choose values that all collide; a caller that reads what
 * strangers write passes random words. The default keeps tests and tools deterministic.
 */
export interface DictionarySeed {
  readonly low: number;
  readonly high: number;
}

const DEFAULT_SEED: DictionarySeed = { low: 0x7461_6c6c, high: 0x7973_7472 };

/** Positions are 32-bit. Whoever owns a dictionary looks at `bytesUsed` and clears it long before. */
const DICTIONARY_BYTES_MAX = 2 ** 30;

const SLOTS_AT_FIRST = 64;
const VALUES_AT_FIRST = 16;
const BYTES_AT_FIRST = 256;
/** Values met lately; a power of two. */
const RECENT = 64;

const TEXT_DECODER = new TextDecoder('utf-8', { ignoreBOM: true });

export class Dictionary {
  /** How many values are known; their codes are 0 to size - 1, in the order of their first appearance. */
  size = 0;
  /** How often the dictionary was cleared: codes of another generation mean something else. */
  generation = 0;
  /** The values' bytes, one after the other. Reassigned as it grows: read it afresh after `encode`. */
  bytes: Uint8Array = new Uint8Array(BYTES_AT_FIRST);

  private readonly seed: DictionarySeed;
  /** Code + 1 of the value in a slot, 0 for an empty one. At most half of the slots are taken. */
  private slots = new Int32Array(SLOTS_AT_FIRST);
  private hashes = new Int32Array(VALUES_AT_FIRST);
  /** Where each value ends in `bytes`; it starts where the one before ends. */
  private ends = new Int32Array(VALUES_AT_FIRST);
  private texts: (string | undefined)[] = [];
  /**
   * Code + 1 of the last value with a length, a first and a last byte: comparing a value costs a fraction of hashing it.
   * The places have no secret, so who knows them can do without this, and no worse.
   */
  private readonly recent = new Int32Array(RECENT);

  constructor(seed: DictionarySeed = DEFAULT_SEED) {
    this.seed = seed;
  }

  /** How many bytes the known values have together, so that an owner can bound a dictionary that hostile values fill. */
  get bytesUsed(): number {
    return this.size === 0 ? 0 : (this.ends[this.size - 1] as number);
  }

  /** The code of the value in `bytes[start, end)`, which becomes known if it was not. */
  encode(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    const mixed = length === 0 ? 0 : length + (bytes[start] as number) * 5 + (bytes[end - 1] as number) * 11;
    const place = mixed & (RECENT - 1);
    const recent = (this.recent[place] as number) - 1;
    if (recent >= 0 && this.holds(recent, bytes, start, end)) return recent;
    const code = this.find(bytes, start, end);
    this.recent[place] = code + 1;
    return code;
  }

  /** Where the bytes of `code` start in {@link bytes}. */
  startOf(code: number): number {
    return code === 0 ? 0 : (this.ends[code - 1] as number);
  }

  /** Where the bytes of `code` end in {@link bytes}. */
  endOf(code: number): number {
    return this.ends[code] as number;
  }

  /** The value of a code as text; made once a code. */
  text(code: number): string {
    if (code < 0 || code >= this.size)
      throw new InvariantError(`no code ${code} in a dictionary of ${this.size}`);
    const known = this.texts[code];
    if (known !== undefined) return known;
    const text = TEXT_DECODER.decode(this.bytes.subarray(this.startOf(code), this.endOf(code)));
    this.texts[code] = text;
    return text;
  }

  /** Forgets every value and gives their memory back. Codes given before have no meaning any more. */
  clear(): void {
    this.generation += 1;
    this.recent.fill(0);
    this.size = 0;
    this.bytes = new Uint8Array(BYTES_AT_FIRST);
    this.slots = new Int32Array(SLOTS_AT_FIRST);
    this.hashes = new Int32Array(VALUES_AT_FIRST);
    this.ends = new Int32Array(VALUES_AT_FIRST);
    this.texts = [];
  }

  private find(bytes: Uint8Array, start: number, end: number): number {
    const hash = halfSipHash(bytes, start, end, this.seed.low, this.seed.high);
    const slots = this.slots;
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const code = (slots[slot] as number) - 1;
      if (code < 0) return this.add(bytes, start, end, hash, slot);
      if (this.hashes[code] === hash && this.holds(code, bytes, start, end)) return code;
      slot = (slot + 1) & mask;
    }
  }

  /** Whether `code` is known and is that of the value in `bytes[start, end)`. */
  holds(code: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (code >= this.size) return false;
    const own = this.bytes;
    let at = this.startOf(code);
    if (this.endOf(code) - at !== end - start) return false;
    for (let other = start; other < end; other++, at++) if (own[at] !== bytes[other]) return false;
    return true;
  }

  private add(bytes: Uint8Array, start: number, end: number, hash: number, slot: number): number {
    const code = this.size;
    const from = this.bytesUsed;
    const to = from + (end - start);
    if (to > DICTIONARY_BYTES_MAX) throw new InvariantError(`a dictionary of ${to} bytes was never cleared`);
    if (to > this.bytes.length)
      this.bytes = grown(this.bytes, new Uint8Array(Math.max(to, this.bytes.length * 2)));
    if (code === this.ends.length) {
      this.ends = grown(this.ends, new Int32Array(code * 2));
      this.hashes = grown(this.hashes, new Int32Array(code * 2));
    }
    this.bytes.set(bytes.subarray(start, end), from);
    this.ends[code] = to;
    this.hashes[code] = hash;
    this.slots[slot] = code + 1;
    this.size = code + 1;
    if (this.size * 2 > this.slots.length) this.widen();
    return code;
  }

  /** Twice the slots, so that a look-up stays short however many values there are. */
  private widen(): void {
    const slots = new Int32Array(this.slots.length * 2);
    const mask = slots.length - 1;
    for (let code = 0; code < this.size; code++) {
      let slot = (this.hashes[code] as number) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = code + 1;
    }
    this.slots = slots;
  }
}

function grown<T extends Uint8Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
