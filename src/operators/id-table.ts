/**
 * The ids that a query remembers: 32 bytes an id in one growing block, so that a million costs 40 MB and no garbage.
 *
 * Entries lie in segments of {@link SEGMENT_ENTRIES} in order of arrival. An entry is eight little-endian 32-bit
 * words: the keyed 128-bit hash of the id (0–3), 64 bits of the keyed hash of the content (4–5), and the event's time
 * in epoch microseconds as a double (6–7). A full segment is sealed: it is written once and dropped whole when the
 * watermark has passed its newest entry. The index over them is open addressing with linear probing.
 */
import { InvariantError, TallystreamError } from '../errors.ts';

export const SEGMENT_ENTRIES = 16_384;
const WORDS = 8;
const ENTRY_BYTES = WORDS * 4;
const DOUBLES = WORDS / 2;
/** Where an entry has its time, in doubles. */
const MICROS_AT = 3;
const PAGE_BYTES = 65_536;
/** 2 GiB, so that every word's position is a small whole number: 64 million ids. */
const PAGES_MAX = 32_768;
const IDS_MAX = (PAGES_MAX * PAGE_BYTES) / ENTRY_BYTES;

/** The part of the standard global that is used here; the type library of a server does not have it. */
declare const WebAssembly: {
  readonly Memory: new (pages: { initial: number; maximum: number }) => {
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  };
};

interface Segment {
  readonly number: number;
  /** Reference of its first entry. */
  readonly first: number;
  used: number;
  maxEventMicros: number;
}

export class IdTable {
  /** Entries of a segment; a test makes it small so that segments come and go. */
  private readonly segmentEntries: number;
  /**
   * A WebAssembly memory grows in place. An array would be copied, for a moment held twice, and what it left behind
   * would stay with the process.
   */
  private readonly memory = new WebAssembly.Memory({ initial: 1, maximum: PAGES_MAX });
  private words = new Int32Array(this.memory.buffer);
  private doubles = new Float64Array(this.memory.buffer);
  /** Segments by place; a place is reused after its segment was dropped. */
  private readonly places: (Segment | undefined)[] = [];
  private open: Segment | undefined;
  private nextNumber = 0;
  /** Reference + 1 of an entry, or 0. Entry r has the words from r × WORDS on. */
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

  /** The reference of the newest entry of the id in `ids` from `at` on, or -1. */
  find(ids: Int32Array, at = 0): number {
    const { slots, mask } = this;
    let slot = (ids[at] as number) & mask;
    for (;;) {
      const reference = (slots[slot] as number) - 1;
      if (reference < 0 || this.sameId(reference, ids, at)) return reference;
      slot = (slot + 1) & mask;
    }
  }

  eventMicros(reference: number): number {
    return this.doubles[reference * DOUBLES + MICROS_AT] as number;
  }

  sameContent(reference: number, contents: Int32Array, from = 0): boolean {
    const { words } = this;
    const at = reference * WORDS;
    return words[at + 4] === contents[from] && words[at + 5] === contents[from + 1];
  }

  /** Remembers an id; where it stands already, the new entry takes its place in the index. @throws STATE_TOO_LARGE */
  insert(ids: Int32Array, contents: Int32Array, eventMicros: number, idAt = 0, contentAt = 0): void {
    const segment = this.open ?? this.openSegment();
    const reference = segment.first + segment.used;
    const at = reference * WORDS;
    const { words } = this;
    words[at] = ids[idAt] as number;
    words[at + 1] = ids[idAt + 1] as number;
    words[at + 2] = ids[idAt + 2] as number;
    words[at + 3] = ids[idAt + 3] as number;
    words[at + 4] = contents[contentAt] as number;
    words[at + 5] = contents[contentAt + 1] as number;
    this.doubles[reference * DOUBLES + MICROS_AT] = eventMicros;
    if (eventMicros > segment.maxEventMicros) segment.maxEventMicros = eventMicros;
    segment.used += 1;
    this.point(ids, idAt, reference);
    if (segment.used === this.segmentEntries) this.seal(segment);
  }

  /**
   * Drops every sealed segment whose newest entry lies below `belowMicros`, and returns their numbers. None of their
   * ids counted any more, so no verdict can change by it.
   */
  evict(belowMicros: number): number[] {
    const evicted: number[] = [];
    for (const [place, segment] of this.places.entries()) {
      if (segment === undefined || segment === this.open || segment.maxEventMicros >= belowMicros) continue;
      for (let index = 0; index < segment.used; index += 1) this.unpoint(segment.first + index);
      this.places[place] = undefined;
      evicted.push(segment.number);
    }
    return evicted;
  }

  /** What came in since the last call, as views that `restore…` takes back; they hold until the next `insert`. */
  takeChange(): { appended: Uint8Array; sealed: { segment: number; entries: Uint8Array }[] } {
    const sealed = this.sealed.map((segment) => ({
      segment: segment.number,
      entries: this.bytesOf(segment, 0),
    }));
    const appended = this.open === undefined ? new Uint8Array(0) : this.bytesOf(this.open, this.takenOfOpen);
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
    this.restoreAppended(entries);
  }

  /** Takes entries of the open segment back, in order. */
  restoreAppended(entries: Uint8Array): void {
    const copy = entries.slice();
    const words = new Int32Array(copy.buffer);
    const doubles = new Float64Array(copy.buffer);
    const id = new Int32Array(4);
    const content = new Int32Array(2);
    for (let at = 0; at < words.length; at += WORDS) {
      for (let word = 0; word < 4; word += 1) id[word] = words[at + word] as number;
      for (let word = 0; word < 2; word += 1) content[word] = words[at + 4 + word] as number;
      this.insert(id, content, doubles[at / 2 + MICROS_AT] as number);
    }
    this.sealed = [];
    this.takenOfOpen = this.open?.used ?? 0;
  }

  private openSegment(): Segment {
    const free = this.places.indexOf(undefined);
    const place = free < 0 ? this.places.length : free;
    const first = place * this.segmentEntries;
    this.reserve(first + this.segmentEntries);
    const segment = { number: this.nextNumber, first, used: 0, maxEventMicros: -Infinity };
    this.nextNumber += 1;
    this.places[place] = segment;
    this.open = segment;
    this.takenOfOpen = 0;
    return segment;
  }

  /** Grows the block to hold `entries`; views of it are made anew, because growing takes the old ones away. */
  private reserve(entries: number): void {
    const pages = Math.ceil((entries * ENTRY_BYTES) / PAGE_BYTES);
    const missing = pages - this.memory.buffer.byteLength / PAGE_BYTES;
    if (missing <= 0) return;
    if (pages > PAGES_MAX) {
      throw new TallystreamError('STATE_TOO_LARGE', {
        what: `The query remembers ${this.occupied} event ids, and holds no more than ${IDS_MAX}.`,
        why: 'Ids are remembered until the watermark passes their time plus its delay.',
        mend: 'Shorten query.watermark_delay (under another query.name), or spread the topic over several queries.',
      });
    }
    this.memory.grow(missing);
    this.words = new Int32Array(this.memory.buffer);
    this.doubles = new Float64Array(this.memory.buffer);
  }

  private seal(segment: Segment): void {
    this.sealed.push(segment);
    this.open = undefined;
    this.takenOfOpen = 0;
  }

  private bytesOf(segment: Segment, fromEntry: number): Uint8Array {
    const start = (segment.first + fromEntry) * ENTRY_BYTES;
    return new Uint8Array(this.memory.buffer, start, (segment.used - fromEntry) * ENTRY_BYTES);
  }

  private sameId(reference: number, ids: Int32Array, from: number): boolean {
    const { words } = this;
    const at = reference * WORDS;
    return (
      words[at] === ids[from] &&
      words[at + 1] === ids[from + 1] &&
      words[at + 2] === ids[from + 2] &&
      words[at + 3] === ids[from + 3]
    );
  }

  private point(ids: Int32Array, idAt: number, reference: number): void {
    if ((this.occupied + 1) * 2 > this.slots.length) this.growIndex();
    let slot = (ids[idAt] as number) & this.mask;
    for (;;) {
      const held = (this.slots[slot] as number) - 1;
      if (held < 0) {
        this.occupied += 1;
        break;
      }
      if (this.sameId(held, ids, idAt)) break;
      slot = (slot + 1) & this.mask;
    }
    this.slots[slot] = reference + 1;
  }

  /** Removes the index's pointer to this entry where it still points here, closing the gap behind it. */
  private unpoint(reference: number): void {
    let slot = this.homeOf(reference);
    for (;;) {
      const held = (this.slots[slot] as number) - 1;
      if (held < 0) return; // A newer entry of the same id has taken its place.
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
    return (this.words[reference * WORDS] as number) & this.mask;
  }

  private growIndex(): void {
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
