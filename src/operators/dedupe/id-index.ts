/**
 * Where the entry of an id lies: one word a slot, so that a million ids cost 8 MB beside their entries.
 *
 * Open addressing with linear probing. A slot holds the reference of an entry + 1 in its low bits and above them, as a
 * tag, bits of the second word of the id's hash; only where the tag is the same is the entry itself looked at. Probing
 * begins where the high bits of the first word say. An index that is full is made again from the entries, in place: the
 * old one and the new one are never in memory together.
 */
import { growingMemory, WASM_PAGE_BYTES } from '../../columns/hash/wasm-memory.ts';

/** Words from an entry to the next; the first four of each are the hash of its id. */
export const ENTRY_WORDS = 8;

/** The number of slots is this power of two at first. */
const SLOT_BITS_AT_FIRST = 10;
/** Above it runs of taken slots become long, and with them the search for an id that is not there. */
const LOAD_MAX = 0.75;
/** Bits of a reference: few at first, since each leaves one less to the tag. */
const REFERENCE_BITS_AT_FIRST = 24;
/** 2 GiB, which are more slots than there can be references. */
const PAGES_MAX = 32_768;
/** Slots made again one after the other are asked for together: see `prefetch`. */
const BLOCK = 64;

const EMPTY = 0;
/** An entry was here and was dropped; probing continues behind it. No reference is in it, and no entry has it. */
const DROPPED = -0x8000_0000;
const WORD_BITS = 32;

/** Entries `[first, first + used)`. */
export interface EntryRun {
  readonly first: number;
  readonly used: number;
}

export class IdIndex {
  /** What {@link prefetch} read, of no meaning: reads for nothing would be optimised away. */
  prefetched = 0;
  /** Grows in place, and gives the collector nothing. */
  private readonly memory = growingMemory(PAGES_MAX);
  private slotBits = SLOT_BITS_AT_FIRST;
  private slots = new Int32Array(this.memory.buffer, 0, 2 ** SLOT_BITS_AT_FIRST);
  private referenceBits = REFERENCE_BITS_AT_FIRST;
  private occupied = 0;
  private dropped = 0;

  /** Ids that an entry is known of. */
  get size(): number {
    return this.occupied;
  }

  /** Places for ids; a quarter of them at least stays empty. */
  get slotCount(): number {
    return this.slots.length;
  }

  /** Memory that is taken, with room for more. */
  get bytes(): number {
    return this.memory.buffer.byteLength;
  }

  /** The reference of the entry of the id in `ids` from `at` on, or -1. `entries` are those that references count in. */
  find(entries: Int32Array, ids: Int32Array, at: number): number {
    const slot = this.slotOf(entries, ids, at);
    return this.referenceIn(this.slots[slot] as number);
  }

  /**
   * Brings the slots of packed ids, `idWords` words each, into the processor's cache. One by one they would be waited
   * for; here they are on their way together.
   */
  prefetch(ids: Int32Array, idWords: number, from: number, to: number): void {
    const { slots } = this;
    const shift = WORD_BITS - this.slotBits;
    let sum = 0;
    for (let row = from; row < to; row += 1) {
      sum = (sum + (slots[(ids[row * idWords] as number) >>> shift] as number)) | 0;
    }
    this.prefetched = sum;
  }

  /** Whether one more id, with this reference, has a place. Without one, `rebuild` comes before `point`. */
  hasRoomFor(reference: number): boolean {
    return this.occupied + this.dropped < this.slots.length * LOAD_MAX && this.canHold(reference);
  }

  /** Makes this reference the id's; one that it had before is forgotten. */
  point(entries: Int32Array, ids: Int32Array, at: number, reference: number): void {
    const { slots } = this;
    const slot = this.slotOf(entries, ids, at);
    if (slots[slot] === EMPTY) this.occupied += 1;
    slots[slot] = this.packed(ids[at + 1] as number, reference);
  }

  /** Forgets an entry, unless a newer one of the same id has taken its place. */
  unpoint(entries: Int32Array, reference: number): void {
    const { slots } = this;
    const at = reference * ENTRY_WORDS;
    const packed = this.packed(entries[at + 1] as number, reference);
    let slot = this.homeOf(entries[at] as number);
    while (slots[slot] !== packed) {
      if (slots[slot] === EMPTY) return;
      slot = this.after(slot);
    }
    this.occupied -= 1;
    this.dropped += 1;
    slots[slot] = DROPPED;
    if (slots[this.after(slot)] !== EMPTY) return;
    // Nothing is probed for beyond the end of a run, so what was dropped there is as good as empty.
    while (slots[slot] === DROPPED) {
      slots[slot] = EMPTY;
      this.dropped -= 1;
      slot = (slot - 1) & (slots.length - 1);
    }
  }

  /**
   * Makes the index again from all entries, in the order in which they came, with room for more and for `reference`. The
   * newest entry of an id is the one that counts.
   */
  rebuild(entries: Int32Array, runs: Iterable<EntryRun>, reference: number): void {
    while (!this.canHold(reference)) this.referenceBits += 1;
    // Where most of what fills it was dropped, as many slots do again.
    if (this.occupied * 2 > this.slots.length * LOAD_MAX) this.double();
    this.slots.fill(EMPTY);
    this.occupied = 0;
    this.dropped = 0;
    for (const { first, used } of runs) {
      for (let from = first; from < first + used; from += BLOCK) {
        const to = Math.min(from + BLOCK, first + used);
        this.prefetch(entries, ENTRY_WORDS, from, to);
        this.pointAll(entries, from, to);
      }
    }
  }

  /** `point` for each of the entries `[from, to)`; its own loop halves what making the index again costs. */
  private pointAll(entries: Int32Array, from: number, to: number): void {
    const { slots, referenceBits } = this;
    let fresh = 0;
    for (let reference = from; reference < to; reference += 1) {
      const at = reference * ENTRY_WORDS;
      const slot = this.slotOf(entries, entries, at);
      if (slots[slot] === EMPTY) fresh += 1;
      slots[slot] = ((entries[at + 1] as number) << referenceBits) | (reference + 1);
    }
    this.occupied += fresh;
  }

  private double(): void {
    this.slotBits += 1;
    const pages = (2 ** this.slotBits * Int32Array.BYTES_PER_ELEMENT) / WASM_PAGE_BYTES;
    const missing = pages - this.memory.buffer.byteLength / WASM_PAGE_BYTES;
    if (missing > 0) this.memory.grow(missing);
    this.slots = new Int32Array(this.memory.buffer, 0, 2 ** this.slotBits);
  }

  /** The slot of the id in `ids` from `at` on, or the empty one that ends the search for it. */
  private slotOf(entries: Int32Array, ids: Int32Array, at: number): number {
    const { slots, referenceBits } = this;
    const tag = (ids[at + 1] as number) << referenceBits;
    let slot = this.homeOf(ids[at] as number);
    for (;;) {
      const held = slots[slot] as number;
      if (held === EMPTY) return slot;
      if ((held ^ tag) >>> referenceBits === 0) {
        const reference = this.referenceIn(held);
        if (reference >= 0 && isOf(entries, reference * ENTRY_WORDS, ids, at)) return slot;
      }
      slot = this.after(slot);
    }
  }

  private homeOf(firstWord: number): number {
    return firstWord >>> (WORD_BITS - this.slotBits);
  }

  private after(slot: number): number {
    return (slot + 1) & (this.slots.length - 1);
  }

  private packed(secondWord: number, reference: number): number {
    return (secondWord << this.referenceBits) | (reference + 1);
  }

  /** -1 if there is none. */
  private referenceIn(held: number): number {
    return (held & ((1 << this.referenceBits) - 1)) - 1;
  }

  private canHold(reference: number): boolean {
    return reference + 1 < 1 << this.referenceBits;
  }
}

function isOf(entries: Int32Array, entry: number, ids: Int32Array, at: number): boolean {
  return (
    entries[entry] === ids[at] &&
    entries[entry + 1] === ids[at + 1] &&
    entries[entry + 2] === ids[at + 2] &&
    entries[entry + 3] === ids[at + 3]
  );
}
