/**
 * The ids that a query remembers: 32 bytes an id in one growing block, so that a million costs 38 MB with the index, and
 * no garbage.
 *
 * Entries are in segments of {@link SEGMENT_ENTRIES} in order of arrival. An entry is eight little-endian 32-bit
 * words: the keyed 128-bit hash of the id (0–3), 64 bits of the keyed hash of the content (4–5), and the event's time
 * in epoch microseconds as a double (6–7). A full segment is sealed: it is written once and dropped whole when the
 * watermark has passed its newest entry. An {@link IdIndex} over them finds an id.
 *
 * Hashes come packed, as `RowHasher` makes them: row r has the words of its id from 4r on, and of its content from 2r on.
 */
import { InvariantError, TallystreamError } from '../../errors.ts';
import { growingMemory, WASM_PAGE_BYTES } from '../../columns/hash/wasm-memory.ts';
import { ENTRY_WORDS, IdIndex } from './id-index.ts';
import { CONTENT_WORDS, ID_WORDS } from './row-hasher.ts';

export const SEGMENT_ENTRIES = 16_384;
const ENTRY_BYTES = ENTRY_WORDS * 4;
const DOUBLES = ENTRY_WORDS / 2;
/** Where an entry has its time, in doubles. */
const MICROS_AT = 3;
/** 2 GiB, so that every word's position is a small whole number: 64 million ids. */
const PAGES_MAX = 32_768;
const IDS_MAX = (PAGES_MAX * WASM_PAGE_BYTES) / ENTRY_BYTES;

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
  private readonly memory = growingMemory(PAGES_MAX);
  private words = new Int32Array(this.memory.buffer);
  private doubles = new Float64Array(this.memory.buffer);
  /** Segments by place; a place is reused after its segment was dropped. */
  private readonly places: (Segment | undefined)[] = [];
  private open: Segment | undefined;
  private nextNumber = 0;
  private readonly index = new IdIndex();
  /** Entries of the open segment that were there at the last `takeChange`. */
  private takenOfOpen = 0;
  private sealed: Segment[] = [];

  constructor(segmentEntries = SEGMENT_ENTRIES) {
    this.segmentEntries = segmentEntries;
  }

  /** Ids held, those that no longer count until their segment is dropped included. */
  get size(): number {
    return this.index.size;
  }

  /** Memory that is taken, with room for more. */
  get bytes(): number {
    return this.memory.buffer.byteLength + this.index.bytes;
  }

  /** The reference of the newest entry of a row's id, or -1. */
  find(ids: Int32Array, row = 0): number {
    return this.index.find(this.words, ids, row * ID_WORDS);
  }

  /** Brings what finding these rows begins with into the processor's cache. */
  prefetch(ids: Int32Array, from: number, to: number): void {
    this.index.prefetch(ids, ID_WORDS, from, to);
  }

  eventMicros(reference: number): number {
    return this.doubles[reference * DOUBLES + MICROS_AT] as number;
  }

  sameContent(reference: number, contents: Int32Array, row = 0): boolean {
    const { words } = this;
    const at = reference * ENTRY_WORDS + ID_WORDS;
    return words[at] === contents[row * CONTENT_WORDS] && words[at + 1] === contents[row * CONTENT_WORDS + 1];
  }

  /** Remembers an id; where it stands already, the new entry takes its place in the index. @throws STATE_TOO_LARGE */
  insert(ids: Int32Array, contents: Int32Array, eventMicros: number, row = 0): void {
    this.append(ids, row * ID_WORDS, contents, row * CONTENT_WORDS, eventMicros);
  }

  /**
   * Drops every sealed segment whose newest entry lies below `belowMicros`, and returns their numbers. None of their
   * ids counted any more, so no verdict can change by it.
   */
  evict(belowMicros: number): number[] {
    const evicted: number[] = [];
    for (const [place, segment] of this.places.entries()) {
      if (segment === undefined || segment === this.open || segment.maxEventMicros >= belowMicros) continue;
      for (let index = 0; index < segment.used; index += 1)
        this.index.unpoint(this.words, segment.first + index);
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
    for (let at = 0; at < words.length; at += ENTRY_WORDS) {
      this.append(words, at, words, at + ID_WORDS, doubles[at / 2 + MICROS_AT] as number);
    }
    this.sealed = [];
    this.takenOfOpen = this.open?.used ?? 0;
  }

  private append(
    ids: Int32Array,
    idAt: number,
    contents: Int32Array,
    contentAt: number,
    eventMicros: number,
  ): void {
    const segment = this.open ?? this.openSegment();
    const reference = segment.first + segment.used;
    const { words } = this;
    let at = reference * ENTRY_WORDS;
    for (let word = 0; word < ID_WORDS; word += 1) words[at++] = ids[idAt + word] as number;
    words[at] = contents[contentAt] as number;
    words[at + 1] = contents[contentAt + 1] as number;
    this.doubles[reference * DOUBLES + MICROS_AT] = eventMicros;
    if (eventMicros > segment.maxEventMicros) segment.maxEventMicros = eventMicros;
    segment.used += 1;
    const { index } = this;
    if (!index.hasRoomFor(reference)) index.rebuild(words, this.segmentsInOrder(), reference);
    index.point(words, ids, idAt, reference);
    if (segment.used === this.segmentEntries) this.seal(segment);
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

  /** Grows the block to hold `entries`; views of it are made again, because growing takes the old ones away. */
  private reserve(entries: number): void {
    const pages = Math.ceil((entries * ENTRY_BYTES) / WASM_PAGE_BYTES);
    const missing = pages - this.memory.buffer.byteLength / WASM_PAGE_BYTES;
    if (missing <= 0) return;
    if (pages > PAGES_MAX) {
      throw new TallystreamError('STATE_TOO_LARGE', {
        what: `The query remembers ${this.size} event ids; the limit is ${IDS_MAX}.`,
        why: 'An id is remembered until the watermark passes its time plus the delay.',
        hint: 'Shorten query.watermark_delay (under another query.name), or split the topic between several queries.',
      });
    }
    this.memory.grow(missing);
    this.words = new Int32Array(this.memory.buffer);
    this.doubles = new Float64Array(this.memory.buffer);
  }

  /** A place is taken again by a later segment, so the order of places is not that in which ids came. */
  private segmentsInOrder(): Segment[] {
    return this.places
      .filter((segment) => segment !== undefined)
      .toSorted((one, other) => one.number - other.number);
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
}
