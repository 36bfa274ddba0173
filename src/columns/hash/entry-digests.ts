/** What stands for a dictionary's texts in a hash of rows: a keyed digest of each, made once per text. */
import type { DictionaryColumn } from '../column-chunk.ts';
import { SipHash128 } from './siphash.ts';

interface Digests {
  generation: number;
  /** How many codes have theirs. */
  count: number;
  words: Int32Array;
}

/**
 * The first 64 bits of the SipHash-2-4-128 of a text: of the text and not of its code, which depends on what came
 * before. Null's words are zeros.
 */
export class EntryDigests {
  private readonly sip: SipHash128;
  private readonly known = new Map<DictionaryColumn, Digests>();

  /** @throws RangeError if `key` is not 16 bytes. */
  constructor(key: Uint8Array) {
    this.sip = new SipHash128(key);
  }

  /** Writes the digests of rows `[from, to)` to `out`, two words each. */
  copy(column: DictionaryColumn, from: number, to: number, out: Int32Array): void {
    const { words } = this.digestsOf(column);
    const { codes } = column;
    for (let row = from, at = 0; row < to; row += 1, at += 2) {
      const code = codes[row] as number;
      out[at] = code < 0 ? 0 : (words[code * 2] as number);
      out[at + 1] = code < 0 ? 0 : (words[code * 2 + 1] as number);
    }
  }

  private digestsOf(column: DictionaryColumn): Digests {
    const { dictionary } = column;
    let digests = this.known.get(column);
    if (digests?.generation !== dictionary.generation) {
      digests = { generation: dictionary.generation, count: 0, words: new Int32Array(32) };
      this.known.set(column, digests);
    }
    if (digests.words.length < dictionary.size * 2) {
      const words = new Int32Array(Math.max(dictionary.size * 2, digests.words.length * 2));
      words.set(digests.words);
      digests.words = words;
    }
    for (; digests.count < dictionary.size; digests.count += 1) {
      this.sip.hash(dictionary.bytes, dictionary.startOf(digests.count), dictionary.endOf(digests.count));
      digests.words[digests.count * 2] = this.sip.words[0] as number;
      digests.words[digests.count * 2 + 1] = this.sip.words[1] as number;
    }
    return digests;
  }
}
