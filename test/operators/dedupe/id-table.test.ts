import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { IdTable, SEGMENT_ENTRIES } from '../../../src/operators/dedupe/id-table.ts';

/** A hash whose low bits are always 0, so that probing collides all the time. */
function hashed(n: number): { id: Int32Array; content: Int32Array } {
  return {
    id: Int32Array.of(Math.imul(n, 0x9e3779b1) & ~7, n, n * 7, 1),
    content: Int32Array.of(n ^ 5, n + 1),
  };
}

function remember(table: IdTable, n: number, micros: number): void {
  const { id, content } = hashed(n);
  table.insert(id, content, micros);
}

describe('IdTable', () => {
  it('finds what was inserted, with its time and content, and nothing else', () => {
    const table = new IdTable();
    for (let n = 0; n < 20_000; n += 1) remember(table, n, n * 10);
    for (let n = 0; n < 20_000; n += 1) {
      const reference = table.find(hashed(n).id);
      assert.equal(table.eventMicros(reference), n * 10);
      assert.equal(table.sameContent(reference, hashed(n).content), true);
      assert.equal(table.sameContent(reference, hashed(n + 1).content), false);
    }
    assert.equal(table.find(hashed(20_000).id), -1);
    assert.equal(table.size, 20_000);
  });

  it('drops a sealed segment only when its newest entry lies below the bound', () => {
    const table = new IdTable();
    for (let n = 0; n < SEGMENT_ENTRIES * 2 + 5; n += 1) remember(table, n, n);
    assert.deepEqual(table.evict(SEGMENT_ENTRIES - 1), []);
    assert.deepEqual(table.evict(SEGMENT_ENTRIES), [0]);
    assert.equal(table.find(hashed(3).id), -1);
    assert.notEqual(table.find(hashed(SEGMENT_ENTRIES).id), -1);
    assert.deepEqual(table.evict(Infinity), [1], 'the open segment stays');
    assert.equal(table.size, 5);
  });

  it('keeps a newer entry of an id when the segment of the older one is dropped', () => {
    const table = new IdTable();
    for (let n = 0; n < SEGMENT_ENTRIES; n += 1) remember(table, n, 1);
    remember(table, 7, 500);
    table.evict(2);
    assert.equal(table.eventMicros(table.find(hashed(7).id)), 500);
    assert.equal(table.size, 1);
  });

  it('tells ids apart that differ in one word only, wherever they stand among packed rows', () => {
    const table = new IdTable();
    const words = [0, 1024, 1, 2, 3];
    const rows = words.flatMap((a) =>
      words.flatMap((b) => words.flatMap((c) => [0, 9].map((d) => [a, b, c, d]))),
    );
    const ids = Int32Array.from(rows.flat());
    const contents = Int32Array.from(rows.flatMap((_, row) => [row, -row]));
    table.prefetch(ids, 0, rows.length);
    rows.forEach((_, row) => {
      assert.equal(table.find(ids, row), -1);
      table.insert(ids, contents, row * 10, row);
    });
    rows.forEach((_, row) => {
      const reference = table.find(ids, row);
      assert.equal(table.eventMicros(reference), row * 10);
      assert.equal(table.sameContent(reference, contents, row), true);
      assert.equal(table.sameContent(reference, contents, row === 0 ? 1 : row - 1), false);
    });
    assert.equal(table.size, rows.length);
  });

  it('is the same after a restart, whatever was inserted, evicted and saved in between', () => {
    const step = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({
          kind: fc.constant('insert' as const),
          count: fc.nat(9000),
          from: fc.nat(30_000),
        }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('evict' as const), below: fc.nat(60_000) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
        let table = new IdTable();
        const stored = { segments: new Map<number, Uint8Array>(), appended: [] as Uint8Array[] };
        const model = new Map<number, number>();
        let micros = 0;
        for (const action of steps) {
          if (action.kind === 'insert') {
            for (let n = action.from; n < action.from + action.count; n += 1) {
              micros += 1;
              remember(table, n, micros);
              model.set(n, micros);
            }
          } else if (action.kind === 'evict')
            for (const segment of table.evict(action.below)) stored.segments.delete(segment);
          save(table, stored);
          if (action.kind === 'restart') table = restored(stored);
        }
        check(table, model);
        check(restored(stored), model);
      }),
      { numRuns: 25 },
    );
  });
});

function save(table: IdTable, stored: { segments: Map<number, Uint8Array>; appended: Uint8Array[] }): void {
  const { appended, sealed } = table.takeChange();
  for (const { segment, entries } of sealed) stored.segments.set(segment, entries.slice());
  if (sealed.length > 0) stored.appended = [];
  stored.appended.push(appended.slice());
}

function restored(stored: { segments: Map<number, Uint8Array>; appended: Uint8Array[] }): IdTable {
  const table = new IdTable();
  for (const [segment, entries] of [...stored.segments].toSorted((a, b) => a[0] - b[0])) {
    table.restoreSegment(segment, entries);
  }
  for (const entries of stored.appended) table.restoreAppended(entries);
  return table;
}

/** An id that was dropped with its segment may be missing; one that is there must have its newest time. */
function check(table: IdTable, model: Map<number, number>): void {
  let found = 0;
  for (const [n, micros] of model) {
    const reference = table.find(hashed(n).id);
    if (reference < 0) continue;
    found += 1;
    assert.equal(table.eventMicros(reference), micros);
  }
  assert.equal(found, table.size, 'the index holds each id once, and no other');
}
