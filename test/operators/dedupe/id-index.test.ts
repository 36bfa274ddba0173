import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ENTRY_WORDS, IdIndex } from '../../../src/operators/dedupe/id-index.ts';

/** Entries in order of arrival, the model of what the index says of them, and the way a table uses it. */
class Entries {
  readonly index = new IdIndex();
  readonly words: Int32Array;
  readonly newest = new Map<number, number>();
  private readonly idOf: (n: number) => readonly number[];
  private first = 0;
  used = 0;
  rebuilds = 0;

  constructor(entriesMax: number, idOf: (n: number) => readonly number[]) {
    this.words = new Int32Array(entriesMax * ENTRY_WORDS);
    this.idOf = idOf;
  }

  add(n: number): void {
    const reference = this.used;
    const at = reference * ENTRY_WORDS;
    this.words.set(this.idOf(n), at);
    this.used += 1;
    if (!this.index.hasRoomFor(reference)) {
      this.rebuilds += 1;
      this.index.rebuild(this.words, [{ first: this.first, used: this.used - this.first }], reference);
    }
    this.index.point(this.words, this.words, at, reference);
    this.newest.set(n, reference);
  }

  /** Drops the oldest entries. */
  drop(count: number): void {
    const end = Math.min(this.first + count, this.used);
    for (; this.first < end; this.first += 1) this.index.unpoint(this.words, this.first);
    for (const [n, reference] of this.newest) if (reference < this.first) this.newest.delete(n);
  }

  check(upTo: number): void {
    for (let n = 0; n < upTo; n += 1) {
      const found = this.index.find(this.words, Int32Array.from(this.idOf(n)), 0);
      assert.equal(found, this.newest.get(n) ?? -1, `id ${n}`);
    }
    assert.equal(this.index.size, this.newest.size);
  }
}

describe('IdIndex', () => {
  it('finds the newest entry of each id, however alike the hashes are and whatever was dropped', () => {
    const action = fc.record({ add: fc.nat(700), from: fc.nat(400), drop: fc.nat(500) });
    // The last slot and the first are beside each other; tags are alike as well.
    const alike = (n: number): readonly number[] => [n % 3 === 0 ? 0 : -1, n & 1, n, 0];
    fc.assert(
      fc.property(fc.array(action, { minLength: 1, maxLength: 8 }), (actions) => {
        const entries = new Entries(8 * 700, alike);
        for (const { add, from, drop } of actions) {
          for (let n = from; n < from + add; n += 1) entries.add(n);
          entries.drop(drop);
          entries.check(1_200);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('stays as large as it is while as many ids go as come', () => {
    const spread = (n: number): readonly number[] => [Math.imul(n ^ (n >>> 3), 0x85ebca6b), n, 0, 0];
    const entries = new Entries(20_000, spread);
    for (let n = 0; n < 20_000; n += 1) {
      entries.add(n);
      if (n >= 300) entries.drop(1);
    }
    entries.check(20_000);
    assert.ok(entries.rebuilds > 0, 'places of dropped ids are used again only so');
    assert.equal(entries.index.slotCount, 1024);
  });

  it('keeps what it knows when references need more bits than before', () => {
    const { words, index } = new Entries(4, () => []);
    const far = 2 ** 24 + 5;
    const ids = Int32Array.of(1, 2, 3, 4);
    words.set(ids);
    index.point(words, ids, 0, 0);
    assert.equal(index.hasRoomFor(far), false);
    index.rebuild(words, [{ first: 0, used: 1 }], far);
    assert.equal(index.hasRoomFor(far), true);
    assert.equal(index.find(words, ids, 0), 0);
  });
});
