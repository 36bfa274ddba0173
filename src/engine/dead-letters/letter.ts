/** A record that was not accepted, as a dead letter: copied out of its chunk. */
import type { Problem } from '../../columns/decode/problem.ts';
import type { DeadLetter } from '../../contracts/batch.ts';
import type { RecordChunk } from '../../contracts/log.ts';
import { exactTimestamp } from '../clock/record-times.ts';

export function letterOf(
  chunk: RecordChunk,
  row: number,
  of: { readonly topic: string; readonly batchId: number; readonly problem: Problem },
): DeadLetter {
  return {
    ...of.problem,
    topic: of.topic,
    partition: chunk.partition,
    offset: chunk.offsets[row] as number,
    batchId: of.batchId,
    timestampMs: exactTimestamp(chunk, row),
    key: bytesAt(chunk, chunk.keyStart[row] as number, chunk.keyEnd[row] as number),
    value: bytesAt(chunk, chunk.valueStart[row] as number, chunk.valueEnd[row] as number),
    headers: chunk.headers.get(row) ?? [],
  };
}

/** Its own copy: the chunk's block is given back when the next one is read. */
function bytesAt(chunk: RecordChunk, start: number, end: number): Uint8Array | null {
  return start < 0 ? null : chunk.bytes.slice(start, end);
}
