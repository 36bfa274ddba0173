/** A record as a dead letter. */
import type { Problem } from '../columns/problem.ts';
import type { BatchPlan, DeadLetter } from '../contracts/batch.ts';
import type { RecordChunk } from '../contracts/log.ts';

export function letterOf(
  plan: BatchPlan,
  topic: string,
  chunk: RecordChunk,
  row: number,
  problem: Problem,
): DeadLetter {
  return {
    ...problem,
    topic,
    partition: chunk.partition,
    offset: chunk.offsets[row] as number,
    batchId: plan.batchId,
    timestampMs: chunk.timestampsMs[row] as number,
    key: bytesAt(chunk, chunk.keyStart[row] as number, chunk.keyEnd[row] as number),
    value: bytesAt(chunk, chunk.valueStart[row] as number, chunk.valueEnd[row] as number),
    headers: chunk.headers.get(row) ?? [],
  };
}

/** A copy of its own: the chunk's block is given back when the next one is read. */
function bytesAt(chunk: RecordChunk, start: number, end: number): Uint8Array | null {
  return start < 0 ? null : chunk.bytes.slice(start, end);
}
