/** Cutting and joining chunks of records. */
import type { Header, RecordChunk } from '../../contracts/log.ts';

/** The rows `[from, to)` of a chunk: views of the same memory, no copy. */
export function sliceChunk(chunk: RecordChunk, from: number, to: number): RecordChunk {
  if (from === 0 && to === chunk.count) return chunk;
  return {
    partition: chunk.partition,
    count: to - from,
    bytes: chunk.bytes,
    valueStart: chunk.valueStart.subarray(from, to),
    valueEnd: chunk.valueEnd.subarray(from, to),
    keyStart: chunk.keyStart.subarray(from, to),
    keyEnd: chunk.keyEnd.subarray(from, to),
    offsets: chunk.offsets.subarray(from, to),
    timestampsMs: chunk.timestampsMs.subarray(from, to),
    headers: chunk.headers.size === 0 ? chunk.headers : entriesOfRows(chunk.headers, from, to),
    ...(chunk.exactTimestamps && { exactTimestamps: entriesOfRows(chunk.exactTimestamps, from, to) }),
    ...(chunk.mark !== undefined && { mark: chunk.mark }),
  };
}

function entriesOfRows<T>(entries: ReadonlyMap<number, T>, from: number, to: number): ReadonlyMap<number, T> {
  const kept = new Map<number, T>();
  for (const [row, ofRow] of entries) if (row >= from && row < to) kept.set(row - from, ofRow);
  return kept;
}

/**
 * Joins chunks of one partition, in order, into one. It copies, so it serves small chunks only: records that were
 * appended one at a time would otherwise cost their reader a chunk each.
 */
export function joinChunks(chunks: readonly RecordChunk[]): RecordChunk {
  const first = chunks[0] as RecordChunk;
  if (chunks.length === 1) return first;
  let count = 0;
  let byteLength = 0;
  for (const chunk of chunks) {
    count += chunk.count;
    byteLength += chunk.bytes.length;
  }
  const joined = {
    // Every byte is written below, so none has to be zero before.
    bytes: new Uint8Array(Buffer.allocUnsafeSlow(byteLength).buffer),
    valueStart: new Int32Array(count),
    valueEnd: new Int32Array(count),
    keyStart: new Int32Array(count),
    keyEnd: new Int32Array(count),
    offsets: new Float64Array(count),
    timestampsMs: new Float64Array(count),
    headers: new Map<number, readonly Header[]>(),
  };
  const exactTimestamps = new Map<number, bigint>();
  let row = 0;
  let position = 0;
  for (const chunk of chunks) {
    joined.bytes.set(chunk.bytes, position);
    joined.offsets.set(chunk.offsets, row);
    joined.timestampsMs.set(chunk.timestampsMs, row);
    movePositions(chunk.valueStart, joined.valueStart, row, position);
    movePositions(chunk.valueEnd, joined.valueEnd, row, position);
    movePositions(chunk.keyStart, joined.keyStart, row, position);
    movePositions(chunk.keyEnd, joined.keyEnd, row, position);
    for (const [ofRow, headers] of chunk.headers) joined.headers.set(row + ofRow, headers);
    for (const [ofRow, exact] of chunk.exactTimestamps ?? []) exactTimestamps.set(row + ofRow, exact);
    row += chunk.count;
    position += chunk.bytes.length;
  }
  const exact = exactTimestamps.size === 0 ? {} : { exactTimestamps };
  const { mark } = chunks.at(-1) as RecordChunk;
  const last = mark === undefined ? {} : { mark };
  return { partition: first.partition, count, ...joined, ...exact, ...last };
}

function movePositions(from: Int32Array, to: Int32Array, row: number, by: number): void {
  const count = from.length;
  for (let at = 0; at < count; at += 1) {
    const position = from[at] as number;
    to[row + at] = position < 0 ? -1 : position + by;
  }
}
