import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecordChunk } from '../../../src/contracts/log.ts';
import { joinChunks, sliceChunk } from '../../../src/log/shared/chunk.ts';

/** A chunk of records without key and value, with these timestamps. */
function chunkOf(timestamps: readonly bigint[]): RecordChunk {
  const none = new Int32Array(timestamps.length).fill(-1);
  const exact = timestamps.flatMap((stamp, row) =>
    Number.isSafeInteger(Number(stamp)) ? [] : [[row, stamp] as const],
  );
  return {
    partition: 0,
    count: timestamps.length,
    bytes: new Uint8Array(0),
    valueStart: none,
    valueEnd: none,
    keyStart: none,
    keyEnd: none,
    offsets: Float64Array.from(timestamps, (_, row) => row),
    timestampsMs: Float64Array.from(timestamps, Number),
    headers: new Map(),
    ...(exact.length > 0 && { exactTimestamps: new Map(exact) }),
  };
}

const stampsOf = ({ timestampsMs, exactTimestamps }: RecordChunk): bigint[] =>
  [...timestampsMs].map((ms, row) => exactTimestamps?.get(row) ?? BigInt(ms));

test('timestamps of any 64 bits stay with their rows if chunks are cut and joined', () => {
  const parts = [[1n, 2n ** 63n - 1n], [3n], [1_785_000_000_123_456_789n, 5n, -(2n ** 63n)]];
  const joined = joinChunks(parts.map(chunkOf));
  assert.deepEqual(stampsOf(joined), parts.flat());
  assert.deepEqual(stampsOf(sliceChunk(joined, 1, 4)), parts.flat().slice(1, 4));
  assert.deepEqual([...(sliceChunk(joined, 2, 3).exactTimestamps ?? [])], []);
  assert.equal('exactTimestamps' in joinChunks([chunkOf([1n]), chunkOf([2n])]), false);
});
