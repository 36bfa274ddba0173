/**
 * The ids that a query remembers: 32 bytes an id in typed arrays, so that a million costs 40 MB and no garbage.
 *
 * Entries lie in segments of {@link SEGMENT_ENTRIES} in order of arrival. An entry is eight little-endian 32-bit
 * words: the keyed 128-bit hash of the id (0–3), 64 bits of the keyed hash of the content (4–5), and the event's time
 * in epoch microseconds as a double (6–7). A full segment is sealed: it is written once and dropped whole when the
 * watermark has passed its newest entry. The index over them is open addressing with linear probing.
 */
import { InvariantError } from '../errors.ts';

export const SEGMENT_ENTRIES = 16_384;
const WORDS = 8;
const ENTRY_BYTES = WORDS * 4;
const MICROS_WORD = 3; // in doubles: words 6 and 7

interface Segment {
  readonly number: number;
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  used: number;
  maxEventMicros: number;
}

/** A 128-bit hash of an id and 64 bits of its content's, as signed 32-bit words. */
export interface HashedId {
  readonly id: Int32Array;
  readonly content: Int32Array;
}

function newSegment(number: number, entries: number): Segment {
  const buffer = new ArrayBuffer(entries * ENTRY_BYTES);
  return {
    number,
    words: new Int32Array(buffer),
    doubles: new Float64Array(buffer),
    used: 0,
    maxEventMicros: -Infinity,
  };
}

export class IdTable {
  /** Entries of a segment; a test makes it small so that segments come and go. */
  private readonly segmentEntries: number;
  /** Segments by place; a place is reused after its segment was dropped, so that references stay small. */
  private readonly places: (Segment | undefined)[] = [];
  private open: Segment | undefined;
  private openPlace = -1;
  private nextNumber = 0;
  /** Reference + 1 of an entry, or 0. A reference is place × this.segmentEntries + index. */
  private slots = new Int32Array(1024);
  private mask = 1023;
  private occupied = 0;
  /** Entries of the open segment that were there at the last `takeChange`. */
  private takenOfOpen = 0;
  private sealed: Segment[] = [];

  constructor(segmentEntries = SEGMENT_ENTRIES) {
    this.segmentEntries = segmentEntries;
  }

  /** Ids held, those that no longer count until their segment is dropped included. */
  get size(): number {
    return this.occupied;
  }

  /** The reference of the newest entry of this id, or -1. */
  find(id: Int32Array): number {
    const slots = this.slots;
    let slot = (id[0] as number) & this.mask;
    for (;;) {
      const reference = (slots[slot] as number) - 1;
      if (reference < 0) return -1;
      if (this.sameId(reference, id)) return reference;
      slot = (slot + 1) & this.mask;
    }
  }

  eventMicros(reference: number): number {
    return this.segmentOf(reference).doubles[(reference % this.segmentEntries) * 4 + MICROS_WORD] as number;
  }

  sameContent(reference: number, content: Int32Array): boolean {
    const at = (reference % this.segmentEntries) * WORDS;
    const words = this.segmentOf(reference).words;
    return words[at + 4] === content[0] && words[at + 5] === content[1];
  }

  /** Remembers an id; where it stands already, the new entry takes its place in the index. */
  insert(id: Int32Array, content: Int32Array, eventMicros: number): void {
    const segment = this.openSegment();
    const index = segment.used;
    const at = index * WORDS;
    segment.words.set(id, at);
    segment.words[at + 4] = content[0] as number;
    segment.words[at + 5] = content[1] as number;
    segment.doubles[index * 4 + MICROS_WORD] = eventMicros;
    if (eventMicros > segment.maxEventMicros) segment.maxEventMicros = eventMicros;
    segment.used += 1;
    this.point(id, this.openPlace * this.segmentEntries + index);
    if (segment.used === this.segmentEntries) this.seal(segment);
  }

  /**
   * Drops every sealed segment whose newest entry lies below `belowMicros`, and returns their numbers. None of their
   * ids counted any more, so no verdict can change by it.
   */
  evict(belowMicros: number): number[] {
    const evicted: number[] = [];
    for (let place = 0; place < this.places.length; place += 1) {
      const segment = this.places[place];
      if (segment === undefined || segment === this.open || segment.maxEventMicros >= belowMicros) continue;
      for (let index = 0; index < segment.used; index += 1) {
        this.unpoint(segment.words, index, place * this.segmentEntries + index);
      }
      this.places[place] = undefined;
      evicted.push(segment.number);
    }
    return evicted;
  }

  /** What came in since the last call, as bytes that `restore…` takes back. */
  takeChange(): { appended: Uint8Array; sealed: { segment: number; entries: Uint8Array }[] } {
    const sealed = this.sealed.map((segment) => ({ segment: segment.number, entries: bytesOf(segment, 0) }));
    const appended = this.open === undefined ? new Uint8Array(0) : bytesOf(this.open, this.takenOfOpen);
    this.sealed = [];
    this.takenOfOpen = this.open?.used ?? 0;
    return { appended, sealed };
  }

  /** Takes a sealed segment back, in order, before anything appended. */
  restoreSegment(number: number, entries: Uint8Array): void {
    if (entries.byteLength !== this.segmentEntries * ENTRY_BYTES) {
      throw new InvariantError(`dedupe segment ${number} has ${entries.byteLength} bytes`);
    }
    this.nextNumber = number;
    this.restoreEntries(entries);
    this.sealed = [];
    this.takenOfOpen = 0;
  }

  /** Takes entries of the open segment back, in order. */
  restoreAppended(entries: Uint8Array): void {
    this.restoreEntries(entries);
    this.sealed = [];
    this.takenOfOpen = this.open?.used ?? 0;
  }

  private restoreEntries(entries: Uint8Array): void {
    const copy = entries.slice();
    const words = new Int32Array(copy.buffer);
    const doubles = new Float64Array(copy.buffer);
    for (let index = 0; index < entries.byteLength / ENTRY_BYTES; index += 1) {
      const at = index * WORDS;
      this.insert(
        words.subarray(at, at + 4),
        words.subarray(at + 4, at + 6),
        doubles[index * 4 + MICROS_WORD] as number,
      );
    }
  }

  private openSegment(): Segment {
    if (this.open !== undefined) return this.open;
    const free = this.places.indexOf(undefined);
    this.openPlace = free < 0 ? this.places.length : free;
    this.open = newSegment(this.nextNumber, this.segmentEntries);
    this.nextNumber += 1;
    this.places[this.openPlace] = this.open;
    this.takenOfOpen = 0;
    return this.open;
  }

  private seal(segment: Segment): void {
    this.sealed.push(segment);
    this.open = undefined;
    this.takenOfOpen = 0;
  }

  private segmentOf(reference: number): Segment {
    const segment = this.places[Math.floor(reference / this.segmentEntries)];
    if (segment === undefined) throw new InvariantError('the id index points into a dropped segment');
    return segment;
  }

  private sameId(reference: number, id: Int32Array): boolean {
    const words = this.segmentOf(reference).words;
    const at = (reference % this.segmentEntries) * WORDS;
    return (
      words[at] === id[0] && words[at + 1] === id[1] && words[at + 2] === id[2] && words[at + 3] === id[3]
    );
  }

  private point(id: Int32Array, reference: number): void {
    if ((this.occupied + 1) * 2 > this.slots.length) this.grow();
    let slot = (id[0] as number) & this.mask;
    for (;;) {
      const held = (this.slots[slot] as number) - 1;
      if (held < 0) {
        this.occupied += 1;
        break;
      }
      if (this.sameId(held, id)) break;
      slot = (slot + 1) & this.mask;
    }
    this.slots[slot] = reference + 1;
  }

  /** Removes the index's pointer to this entry where it still points here, closing the gap behind it. */
  private unpoint(words: Int32Array, index: number, reference: number): void {
    let slot = (words[index * WORDS] as number) & this.mask;
    for (;;) {
      const held = (this.slots[slot] as number) - 1;
      if (held < 0) return; // a newer entry of the same id took its place, and went with its own segment
      if (held === reference) break;
      slot = (slot + 1) & this.mask;
    }
    this.occupied -= 1;
    this.closeGap(slot);
  }

  /** Backward-shift deletion (Knuth, TAOCP 6.4, algorithm R): no tombstones, so probing never slows down with age. */
  private closeGap(emptied: number): void {
    let hole = emptied;
    let slot = hole;
    for (;;) {
      this.slots[hole] = 0;
      for (;;) {
        slot = (slot + 1) & this.mask;
        const held = (this.slots[slot] as number) - 1;
        if (held < 0) return;
        const home = this.homeOf(held);
        // The entry may move into the hole unless its home lies cyclically in (hole, slot].
        const stays = hole <= slot ? hole < home && home <= slot : hole < home || home <= slot;
        if (!stays) break;
      }
      this.slots[hole] = this.slots[slot] as number;
      hole = slot;
    }
  }

  private homeOf(reference: number): number {
    const words = this.segmentOf(reference).words;
    return (words[(reference % this.segmentEntries) * WORDS] as number) & this.mask;
  }

  private grow(): void {
    const old = this.slots;
    this.slots = new Int32Array(old.length * 2);
    this.mask = this.slots.length - 1;
    for (const held of old) {
      if (held === 0) continue;
      let slot = this.homeOf(held - 1);
      while (this.slots[slot] !== 0) slot = (slot + 1) & this.mask;
      this.slots[slot] = held;
    }
  }
}

function bytesOf(segment: Segment, fromEntry: number): Uint8Array {
  return new Uint8Array(
    segment.words.buffer,
    fromEntry * ENTRY_BYTES,
    (segment.used - fromEntry) * ENTRY_BYTES,
  );
}
