import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { phaseOf, slotBytes, SlotViews } from '../../../src/engine/decode-workers/shared-chunk.ts';

const WORD_BYTES = 8;
const count = fc.nat(5);

test('the sections of a slot lie apart, each on a whole word, and the bytes within theirs as they did', () => {
  fc.assert(
    fc.property(
      fc.record({ doubles: count, words: count, bytes: count }),
      fc.nat(40),
      fc.nat(40),
      fc.nat(WORD_BYTES - 1),
      (shape, rows, chunkBytes, chunkPhase) => {
        const memory = new SharedArrayBuffer(slotBytes(shape, rows, chunkBytes));
        const views = new SlotViews(memory, shape, { rows, chunkBytes, chunkPhase });
        const sections = [
          views.flags,
          views.timestampsMs,
          ...views.doubles,
          views.valueStart,
          views.valueEnd,
          views.ids,
          views.contents,
          ...views.words,
          views.states,
          ...views.small,
        ];
        for (const { byteOffset } of sections) assert.equal(byteOffset % WORD_BYTES, 0);
        assert.equal(phaseOf(views.bytes), chunkPhase);
        const all = [...sections, views.bytes].toSorted((a, b) => a.byteOffset - b.byteOffset);
        let end = 0;
        for (const { byteOffset, byteLength } of all) {
          assert.ok(byteLength === 0 || byteOffset >= end, `at ${byteOffset}, before ${end}`);
          end = Math.max(end, byteOffset + byteLength);
        }
      },
    ),
  );
});
