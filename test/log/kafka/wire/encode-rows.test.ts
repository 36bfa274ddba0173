import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeKafkaRows } from '../../../../src/log/kafka/wire/encode-rows.ts';
import { stampBatch, type EncodedKafkaBatch } from '../../../../src/log/kafka/wire/encode.ts';
import { decodeFetched } from '../../../../src/log/kafka/read/decode.ts';
import { WritableBlock } from '../../../../src/producer/record-block.ts';
import { plainRecords } from '../../../contract/log/log-records.ts';

const ROW_BYTES = 1_000;
const WHOLE = { topic: 'events', partition: 0, start: 0, end: 1e9 };

/** Rows of one letter. */
function encode(
  letter: string,
  rows: number,
  compression: 'none' | 'zstd' = 'none',
): EncodedKafkaBatch & { readonly letter: string } {
  const block = new WritableBlock();
  for (let row = 0; row < rows; row += 1) {
    block.reserve(ROW_BYTES);
    block.bytes.fill(letter, block.end, block.end + ROW_BYTES);
    block.addRow(block.end, block.end + 3, block.end + ROW_BYTES);
  }
  const every = Int32Array.from({ length: rows }, (_, row) => row);
  const batch = encodeKafkaRows(block, every, 0, { nowMs: 5, bytesMax: 3_000_000, compression });
  stampBatch(batch, { producerId: 1n, producerEpoch: 0, sequence: 0 });
  return { ...batch, letter };
}

function assertWhole({ letter, count, bytes }: EncodedKafkaBatch & { readonly letter: string }): void {
  const read = [...decodeFetched({ block: bytes, aborted: [] }, WHOLE)].flatMap(plainRecords);
  assert.equal(read.length, count);
  assert.ok(read.every(({ value }) => value === letter.repeat(ROW_BYTES)));
}

test('a batch keeps its bytes until it is released, whatever its size and whichever are released before it', () => {
  const step = fc.record({
    rows: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 1_200 })),
    compression: fc.constantFrom('none' as const, 'none' as const, 'zstd' as const),
    /** Which of those that are kept goes afterwards. */
    released: fc.option(fc.nat(20), { nil: undefined, freq: 1 }),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 10, maxLength: 25, size: 'max' }), (steps) => {
      const kept: ReturnType<typeof encode>[] = [];
      steps.forEach(({ rows, compression, released }, index) => {
        kept.push(encode(String.fromCodePoint(0x41 + index), rows, compression));
        if (released === undefined) return;
        const [gone] = kept.splice(released % kept.length, 1);
        gone?.release?.();
      });
      kept.forEach(assertWhole);
    }),
    { numRuns: 30 },
  );
});

test('the memory of a batch that was released is used again', () => {
  const first = encode('a', 300);
  first.release?.();
  const second = encode('b', 300);
  assert.equal(second.bytes.buffer, first.bytes.buffer);
  assertWhole(second);
});
