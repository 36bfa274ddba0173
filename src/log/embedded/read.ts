/** Reading a range of the embedded log, batch by batch, while other processes append to it. */
import type { ReadRange, RecordChunk } from '../../contracts/log.ts';
import { TallystreamError } from '../../errors.ts';
import { joinChunks, sliceChunk } from '../shared/chunk.ts';
import { markOf } from './chain.ts';
import { guarded } from './errors.ts';
import type { LogFile } from './file.ts';
import type { BatchRow, PartitionRow } from './statements.ts';
import { findPartition, missingTopic } from './topics.ts';
import { dataLoss, pastEnd } from '../shared/errors.ts';
import { BATCH_BYTES_MAX, BATCH_RECORDS_MAX, decodeBatch } from '../shared/record-batch.ts';

/** A chunk of at least this many bytes is handed on as it is; copying it to join it with others would cost more. */
const JOIN_BYTES_MAX = 128 * 1024;

/**
 * The records of the range. No transaction stays open between two chunks, so a slow reader never keeps the
 * write-ahead log from being moved into the file; what retention takes meanwhile is noticed.
 * @throws TOPIC_NOT_FOUND, DATA_LOSS, LOG_CORRUPT, LOG_UNAVAILABLE
 */
export async function* readRange(file: LogFile, range: ReadRange): AsyncGenerator<RecordChunk> {
  const partition = guarded(file.path, () => findPartition(file, range.topic, range.partition));
  if (range.end > partition.latest) throw pastEnd(range, partition.latest);
  // No chunk goes beyond a generation, so that its reader has a mark of each: if an older copy was restored, it is at
  // the beginning of one that the histories part.
  const ends = generationsWithin(file, partition, range);
  let position = range.start;
  let ahead: BatchRow | undefined;
  while (position < range.end) {
    while ((ends[0] ?? Infinity) <= position) ends.shift();
    const rest = { ...range, start: position, end: ends[0] ?? range.end };
    const read = guarded(file.path, () => nextChunk(file, partition.partition_key, rest, ahead));
    const { chunk } = read;
    ahead = read.ahead;
    position += chunk.count;
    yield chunk;
    giveBack(chunk);
  }
}

/** Where generations begin within the range. */
function generationsWithin(
  { path, statements }: LogFile,
  partition: PartitionRow,
  range: ReadRange,
): number[] {
  const { start, end } = range;
  return guarded(path, () =>
    statements.generationsWithin
      .all(partition.partition_key, start, end)
      .map((row) => row['start'] as number),
  );
}

/**
 * Gives the memory of a finished chunk back at once. Left to the garbage collector, which sees small objects that hold
 * large buffers, a drain keeps tens of megabytes of them.
 */
function giveBack(chunk: RecordChunk): void {
  const { bytes, valueStart, valueEnd, keyStart, keyEnd, offsets, timestampsMs } = chunk;
  for (const view of [bytes, valueStart, valueEnd, keyStart, keyEnd, offsets, timestampsMs]) {
    if (view.buffer instanceof ArrayBuffer && view.buffer.byteLength > 0) view.buffer.transfer(0);
  }
}

/**
 * The chunk at the range's start: a large batch as it is, or as many small ones as a chunk may hold. `ahead` is the batch
 * at the start, if it was read already.
 * @returns the chunk, and the batch after it that was read and did not find room, for the next one
 */
function nextChunk(
  file: LogFile,
  partitionKey: number,
  range: ReadRange,
  ahead: BatchRow | undefined,
): { chunk: RecordChunk; ahead: BatchRow | undefined } {
  const chunks: RecordChunk[] = [];
  let next = range.start;
  let chunkBytes = 0;
  let behind: BatchRow | undefined;
  let last: BatchRow | undefined;
  for (const batch of batchesFrom(file, partitionKey, range, ahead)) {
    const isFirst = chunks.length === 0;
    const to = Math.min(range.end - batch.base_offset, batch.count);
    if (batch.base_offset > next || batch.base_offset + to <= next) break;
    chunkBytes += batch.body.length;
    const recordsAfter = batch.base_offset + to - range.start;
    if (!isFirst && (chunkBytes > BATCH_BYTES_MAX || recordsAfter > BATCH_RECORDS_MAX)) {
      behind = batch;
      break;
    }
    chunks.push(sliceChunk(decode(file, range, batch), next - batch.base_offset, to));
    next = batch.base_offset + to;
    last = batch;
    if (chunkBytes >= JOIN_BYTES_MAX && isFirst) break;
  }
  if (last === undefined) throw hole(file, partitionKey, range);
  const joined = joinChunks(chunks);
  // The joined chunk's headers still point into the batches that they came in.
  if (chunks.length > 1 && joined.headers.size === 0) chunks.forEach(giveBack);
  return { chunk: { ...joined, mark: markOf(last) }, ahead: behind };
}

/** The batches from the range's start on, of which the first may be at hand. */
function* batchesFrom(
  { statements }: LogFile,
  partitionKey: number,
  { start, end }: ReadRange,
  ahead: BatchRow | undefined,
): Generator<BatchRow, void, undefined> {
  if (ahead !== undefined) yield ahead;
  const position = ahead === undefined ? start : ahead.base_offset + ahead.count;
  if (position >= end) return;
  for (const row of statements.batchesFrom.iterate({ partitionKey, position, end }))
    yield row as unknown as BatchRow;
}

/** @throws LOG_CORRUPT */
export function decode(file: LogFile, { topic, partition }: ReadRange, batch: BatchRow): RecordChunk {
  const decoded = decodeBatch(batch.body, batch.checksum, partition, batch.base_offset);
  if (decoded.kind === 'corrupt') throw corrupt(file, topic, partition, batch, decoded.problem);
  if (decoded.chunk.count !== batch.count) {
    throw corrupt(file, topic, partition, batch, 'its stored number of records does not match its contents');
  }
  return decoded.chunk;
}

function corrupt(
  file: LogFile,
  topic: string,
  partition: number,
  batch: BatchRow,
  problem: string,
): TallystreamError {
  const last = batch.base_offset + batch.count - 1;
  return new TallystreamError('LOG_CORRUPT', {
    what: `Offsets ${batch.base_offset} to ${last} of topic ${topic}, partition ${partition}, are damaged in ${file.path}.`,
    why: `Their batch differs from what was written: ${problem}.`,
    hint: 'Restore the file from a copy, or move it away (with its -wal and -shm) and produce the records again.',
  });
}

/** Why there is no batch where one should be: the topic went, retention passed, or the file lost something. */
function hole(file: LogFile, partitionKey: number, range: ReadRange): TallystreamError {
  const now = file.statements.partitionByKey.get(partitionKey) as unknown as PartitionRow | undefined;
  if (now === undefined) return missingTopic(file, range.topic);
  if (range.start < now.earliest) return dataLoss(range, now.earliest);
  return new TallystreamError('LOG_CORRUPT', {
    what: `Offset ${range.start} of topic ${range.topic}, partition ${range.partition}, is missing in ${file.path}.`,
    why: `The partition should hold offsets ${now.earliest} to ${now.latest - 1}.`,
    hint: 'Restore the file from a copy, or move it away (with its -wal and -shm) and produce the records again.',
  });
}
